import { makeApp } from "./make-app.ts";

/** The app that `coldkeep cloud deploy` has the cdk run, without what only a checkout has. */
makeApp().synth();
