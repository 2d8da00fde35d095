/**
 * Writes test/compat/v1 and its twin of SM4 anew: `node test/compat/make-vault.ts`. Only while version 1 of the format is unreleased; a
 * released vault is never touched again.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { compress } from "../../vault/sealed/index.ts";
import { type Recorded, record } from "./recorded.ts";
import { dayOneFiles, dayTwoFiles, expectedTree } from "./tree.ts";
import {
  COMPAT_FOLDERS,
  COMPAT_KEY,
  COMPAT_NODE,
  COMPAT_PIN,
  COMPAT_TICKET_KEY,
  COMPAT_VAULT,
  compatShareToken,
  FIRST,
  makeCompatVault,
  SECOND,
} from "./vault.ts";

for (const suite of ["aes-256-gcm", "sm4-gcm"] as const) {
  const folder = join(import.meta.dirname, COMPAT_FOLDERS[suite]);
  const recorded: Recorded = {};
  const objects = await makeCompatVault(record(compress, recorded), suite);
  rmSync(folder, { recursive: true, force: true });
  for (const [name, bytes] of objects) {
    const path = join(folder, "vault", name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
  const expected = {
    vault: COMPAT_VAULT,
    node: COMPAT_NODE,
    key: COMPAT_KEY,
    pin: COMPAT_PIN,
    ticket_key: COMPAT_TICKET_KEY,
    share: await compatShareToken(suite),
    snapshots: { [FIRST]: expectedTree(dayOneFiles), [SECOND]: expectedTree(dayTwoFiles) },
  };
  writeFileSync(join(folder, "expected.json"), `${JSON.stringify(expected, null, 1)}\n`);
  writeFileSync(join(folder, "compressed.json"), `${JSON.stringify(recorded, null, 1)}\n`);
}
