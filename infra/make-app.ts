import { App, CliCredentialsStackSynthesizer, type IStackSynthesizer } from "aws-cdk-lib";
import { ColdkeepStack } from "./coldkeep-stack.ts";
import { readConfig } from "./read-config.ts";

/** The app with its one stack, as the configuration has it; not synthesized yet. */
export function makeApp(): App {
  const app = new App();
  const config = readConfig((key) => app.node.tryGetContext(key));
  const { CDK_DEFAULT_REGION: region = "" } = process.env;
  new ColdkeepStack(app, config.stack, {
    config,
    // There a stack is made of other things; elsewhere it is the same wherever it will be.
    ...(region.startsWith("us-gov-") ? { env: { region } } : {}),
    pathStyle: app.node.tryGetContext("path_style") === "true",
    // Deploys by the caller's own rights, where the roles that `cdk bootstrap` makes cannot be had.
    ...(app.node.tryGetContext("cli_credentials") === "true"
      ? { synthesizer: new CliCredentialsStackSynthesizer() as IStackSynthesizer }
      : {}),
  });
  return app;
}
