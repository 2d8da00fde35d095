import { defineCommand } from "./define.ts";
import { STACK_FLAGS, type StackFlags } from "./stack-flags.ts";

export const command = defineCommand<StackFlags>({
  brief: "Show what is deployed in AWS, and how it does",
  usage: "[--stack <name>] [--region <region>]",
  about:
    "The stack and its version, what waits before its functions, dead letters, alarms, and of each node the newest snapshot\n" +
    "and what its last nights did. Needs no configuration, only AWS credentials; what they may not see is said in its place.",
  examples: [
    ["cloud status", "the stack Coldkeep in the region that AWS_REGION names"],
    ["cloud status --stack Vaults --region eu-central-1 --json", "another one, for a program"],
  ],
  flags: STACK_FLAGS,
  load: async () => (await import("./cloud-status.ts")).run,
});
