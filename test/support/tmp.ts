import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, onTestFinished } from "vitest";

/** A fresh folder that goes when the running test ends. */
export function tempDir(label = "coldkeep"): string {
  const folder = makeTempDir(label);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A fresh folder shared by the tests of a suite, that goes when the suite ends: for `beforeAll`. */
export function sharedTempDir(label = "coldkeep"): string {
  const folder = makeTempDir(label);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function makeTempDir(label: string): string {
  return realpathSync(mkdtempSync(join(tmpdir(), `${label}-`)));
}
