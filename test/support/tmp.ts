import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A fresh folder that goes when the running test ends. */
export function tempDir(label = "coldkeep"): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `${label}-`)));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
