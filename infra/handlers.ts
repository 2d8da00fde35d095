import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Code } from "aws-cdk-lib/aws-lambda";
import { SETTINGS_FILE, type WrittenSettings } from "../lambdas/common/contract.ts";

/** Where the functions lie that came with the package, or, in a checkout, that `npm run build:lambdas` made. */
export function defaultHandlers(): string {
  const places = ["../lambdas", "../dist/lambdas"].map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const found = places.find((place) => existsSync(join(place, "indexer", "index.mjs")));
  if (found === undefined)
    throw new Error(`the functions are not built: npm run build:lambdas (looked in ${places.join(", ")})`);
  return found;
}

/** A function's code, with the settings laid beside it. Its asset changes where either does. */
export function codeOf(handlers: string, name: string, settings: WrittenSettings | null): Code {
  const folder = mkdtempSync(join(tmpdir(), "coldkeep-function-"));
  if (folders.push(folder) === 1) process.once("exit", removeFolders);
  cpSync(join(handlers, name), folder, { recursive: true });
  if (settings !== null) writeFileSync(join(folder, SETTINGS_FILE), JSON.stringify(settings));
  return Code.fromAsset(folder);
}

const folders: string[] = [];

function removeFolders(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
