import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { LAMBDAS } from "../../build-lambdas.ts";
import flags from "../../cdk.json" with { type: "json" };
import { ColdkeepStack } from "../../infra/coldkeep-stack.ts";
import { checkConfig } from "../../infra/config.ts";
import type { WrittenInfraConfig } from "../../infra/types.ts";

/** Functions that do nothing: what is looked at is what is around them. */
function emptyHandlers(folder: string): string {
  for (const name of LAMBDAS) {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, "index.mjs"), "export const handler = async () => {};\n");
  }
  return folder;
}

/** An app with one stack, as main.ts makes it. */
export function makeStack(
  folder: string,
  written: WrittenInfraConfig,
  env?: { readonly account: string; readonly region: string },
): { readonly app: App; readonly stack: ColdkeepStack; readonly template: () => Template } {
  const app = new App({ outdir: join(folder, "out"), context: flags.context });
  const config = checkConfig(written, "the test");
  const handlers = emptyHandlers(join(folder, "handlers"));
  const stack = new ColdkeepStack(app, config.stack, { config, handlers, ...(env === undefined ? {} : { env }) });
  return { app, stack, template: () => Template.fromStack(stack) };
}
