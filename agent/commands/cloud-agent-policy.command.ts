import { defineCommand } from "./define.ts";

export const command = defineCommand<object>({
  brief: "Print what a host may do in its vault in S3",
  usage: "[--node <name>] [--vault <name>]",
  about:
    "The policy, as IAM takes it, of a host that may only add (put_only): it puts what is not there yet below its own\n" +
    "node, reads three small files of its own, and can neither read back, list, replace nor delete. Asks nothing of AWS.",
  examples: [["cloud agent-policy --node icon", "the policy of that node's host"]],
  flags: {},
  load: async () => (await import("./cloud-agent-policy.ts")).run,
});
