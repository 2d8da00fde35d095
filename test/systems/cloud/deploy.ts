import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildLambdas } from "../../../build-lambdas.ts";
import type { WrittenInfraConfig } from "../../../infra/types.ts";
import { run } from "../../e2e/emulator/run.ts";

const project = fileURLToPath(new URL("../../../", import.meta.url));

export interface Deployed {
  /** By name, as the stack gives them. */
  readonly outputs: Readonly<Record<string, string>>;
}

/** An account in an emulator that a stack is deployed to by the real `cdk`. */
export interface Account {
  readonly endpoint: string;
  /** Holds what the deployment writes. */
  readonly folder: string;
  readonly credentials?: { readonly id: string; readonly secret: string };
  /** More context values for the app. */
  readonly context?: Readonly<Record<string, string>>;
}

let built: Promise<unknown> | null = null;

/** Runs `cdk bootstrap`, once an account. */
export async function bootstrap(account: Account): Promise<void> {
  // Where there is no app: what is made is the same for all of them.
  await cdk(account, ["bootstrap", "aws://000000000000/us-east-1"], account.folder);
}

/** Runs `cdk deploy` of the project's own app. */
export async function deploy(account: Account, config: WrittenInfraConfig): Promise<Deployed> {
  built ??= buildLambdas();
  await built;
  const outputs = join(account.folder, "outputs.json");
  const context = { coldkeep: JSON.stringify(config), path_style: "true", ...account.context };
  await cdk(account, [
    ...["deploy", "--all", "--progress", "events", "--require-approval", "never", "--outputs-file", outputs],
    ...["--output", join(account.folder, "cdk.out")],
    ...Object.entries(context).flatMap(([key, value]) => ["--context", `${key}=${value}`]),
  ]);
  const told = JSON.parse(readFileSync(outputs, "utf8")) as Record<string, Record<string, string>>;
  return { outputs: told[config.stack ?? "Coldkeep"] ?? {} };
}

function cdk(
  { endpoint, folder, credentials = { id: "test", secret: "test" } }: Account,
  words: readonly string[],
  cwd = project,
) {
  return run(
    process.execPath,
    [join(project, "node_modules/aws-cdk/bin/cdk"), ...words, "--no-notices"],
    {
      PATH: `${join(project, "node_modules/.bin")}:${process.env.PATH}`,
      HOME: folder,
      TMPDIR: folder,
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: credentials.id,
      AWS_SECRET_ACCESS_KEY: credentials.secret,
      AWS_REGION: "us-east-1",
      CDK_DISABLE_CLI_TELEMETRY: "true",
    },
    cwd,
  );
}
