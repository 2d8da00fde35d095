import { buildApp } from "../../agent/commands/app.ts";
import { outlineCli } from "../../agent/commands/outline.ts";
import type { Outline } from "../../agent/reference/index.ts";

/** The command line as it is. */
export async function outlineOfCli(): Promise<Outline> {
  return outlineCli((await buildApp(() => {})).root);
}
