import { buildApp } from "../agent/commands/app.ts";
import { outlineCli } from "../agent/commands/outline.ts";
import { EXIT_CODES } from "../agent/exit-codes.ts";
import { manualPage } from "../agent/reference/index.ts";

/** coldkeep(1), from the definitions of all commands and the table of exit codes. */
export async function renderManual(): Promise<string> {
  return manualPage(outlineCli((await buildApp(() => {})).root), Object.values(EXIT_CODES));
}
