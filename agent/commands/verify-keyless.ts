import { type KeylessVerdict, verifySnapshots } from "../../keeper/index.ts";
import type { SnapshotId } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import { counted, formatBytes } from "../report/index.ts";
import type { Call } from "./define.ts";
import { type Session, scopeOf } from "./session.ts";

/** What can be proven of snapshots by whoever holds no key: every object is there, and is the one that was put. */
export async function verifyKeyless(
  { config, node }: Session,
  store: Store,
  call: Call,
  ids: readonly SnapshotId[],
  readData: boolean,
): Promise<KeylessVerdict[]> {
  const verdicts: KeylessVerdict[] = [];
  const job = verifySnapshots({
    store,
    ...scopeOf(config, node.name),
    ids,
    readData,
    progress: call.progress,
    signal: call.io.signal,
  });
  for await (const verdict of job) verdicts.push(verdict);
  return verdicts;
}

/** One verdict in words. */
export function keylessText({ snapshot, ok, damages, notes, packs, read }: KeylessVerdict, readData: boolean): string {
  const depth = readData
    ? `${counted(packs, "pack")} compared by SHA-256, ${formatBytes(read)} read`
    : `${counted(packs, "pack")} present with the right size; --read-data compares their SHA-256`;
  return [
    `${snapshot}  ${ok ? "intact" : "DAMAGED"}, as far as can be told without the key`,
    `  ${ok ? depth : counted(damages.length, "damage")}`,
    ...damages.map(({ object, problem, detail }) => `  ${object}: ${problem}: ${detail}`),
    ...notes.map((note) => `  note: ${note}`),
  ].join("\n");
}
