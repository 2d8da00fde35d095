import { defineCommand } from "./define.ts";

export interface CloudDeployFlags {
  readonly file?: string;
  readonly region?: string;
  readonly dryRun?: boolean;
  readonly bootstrap?: boolean;
  readonly yes?: boolean;
  readonly olderToo?: boolean;
}

const off = { kind: "boolean", optional: true, withNegated: false } as const;
const optional = { kind: "parsed", optional: true } as const;

export const command = defineCommand<CloudDeployFlags>({
  brief: "Make or update the stack in AWS that keeps a vault",
  usage: "[--file <path>] [--region <region>] [--dry-run] [--bootstrap] [--yes]",
  about:
    "Reads coldkeep.cdk.yaml and has the AWS CDK deploy what it says. The CDK is not part of coldkeep; where it is missing,\n" +
    "the line is told that installs it. Asks before rights are widened, as the CDK does, unless --yes is given.",
  examples: [
    ["cloud deploy --dry-run", "says what the stack would consist of, and asks nothing of AWS"],
    ["cloud deploy --bootstrap --region eu-central-1", "the first time in an account and region"],
  ],
  flags: {
    file: {
      ...optional,
      parse: String,
      placeholder: "path",
      brief: "What the stack is to be [default = coldkeep.cdk.yaml]",
    },
    region: {
      ...optional,
      parse: String,
      placeholder: "region",
      brief: "Where [default: AWS_REGION, or the profile's]",
    },
    dryRun: { ...off, brief: "Say what would be made, and stop" },
    bootstrap: { ...off, brief: "First set up what the CDK itself needs, once an account and region" },
    yes: { ...off, brief: "Ask nothing, also not before rights are widened" },
    olderToo: { ...off, brief: "Also where a newer coldkeep has made the stack" },
  },
  load: async () => (await import("./cloud-deploy.ts")).run,
});
