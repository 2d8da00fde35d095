import { damageWords, type KeylessVerdict, verifySnapshots } from "../../keeper/index.ts";
import type { SnapshotId } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import { counted, formatBytes } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { type Session, scopeOf } from "./session.ts";
import { firstLines, makeVerdicts } from "./verdicts.ts";

/** What can be proven of snapshots by whoever holds no key: every object is there, and is the one that was put. */
export async function verifyKeyless(
  { config, node }: Session,
  store: Store,
  call: Call,
  ids: readonly SnapshotId[],
  readData: boolean,
): Promise<Answer> {
  const inWords = (verdict: KeylessVerdict) => keylessText(verdict, readData);
  const verdicts = makeVerdicts(call, { node: node.name }, readData, inWords);
  const { progress, io } = call;
  const job = verifySnapshots({ store, ...scopeOf(config, node.name), ids, readData, progress, signal: io.signal });
  for await (const verdict of job) await verdicts.add(verdict);
  return verdicts.end();
}

/** One verdict in words. */
function keylessText({ snapshot, ok, damages, notes, packs, read }: KeylessVerdict, readData: boolean): string {
  const depth = readData
    ? `${counted(packs, "pack")} compared by SHA-256, ${formatBytes(read)} read`
    : `${counted(packs, "pack")} present with the right size; --read-data compares their SHA-256`;
  return [
    `${snapshot}  ${ok ? "intact" : "DAMAGED"}, as far as can be told without the key`,
    `  ${ok ? depth : counted(damages.length, "damage")}`,
    ...firstLines(damages, (damage) => `  ${damageWords(damage)}`),
    ...firstLines(notes, (note) => `  note: ${note}`),
  ].join("\n");
}
