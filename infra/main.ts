import { App, CliCredentialsStackSynthesizer, type IStackSynthesizer, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { ColdkeepStack } from "./coldkeep-stack.ts";
import { readConfig } from "./read-config.ts";

/** The app that `cdk deploy` and `coldkeep cloud deploy` run. */
const app = new App();
const config = readConfig((key) => app.node.tryGetContext(key));
new ColdkeepStack(app, config.stack, {
  config,
  pathStyle: app.node.tryGetContext("path_style") === "true",
  // Deploys by the caller's own rights, where the roles that `cdk bootstrap` makes cannot be had.
  ...(app.node.tryGetContext("cli_credentials") === "true"
    ? { synthesizer: new CliCredentialsStackSynthesizer() as IStackSynthesizer }
    : {}),
});
Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { verbose: true }));
app.synth();
