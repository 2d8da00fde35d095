import { Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { makeApp } from "./make-app.ts";

/** The app that `cdk deploy` runs in a checkout: nothing is deployed from there that cdk-nag finds and nobody explains. */
const app = makeApp();
Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { verbose: true }));
app.synth();
