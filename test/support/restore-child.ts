import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { planRestore, runRestore } from "../../agent/restore/index.ts";
import { silent, toNodeName, toSnapshotId } from "../../vault/names/index.ts";
import type { Reader } from "../../vault/store/facets.ts";
import { openDirectoryStore } from "../../vault/store/index.ts";
import { memoryKeys } from "./read-snapshot.ts";

/**
 * A restore of `<dir>/vault` to `<dir>/out` in a process of its own: `node restore-child.ts <dir> <node> <snapshot> <key> <n>`
 * kills itself by SIGKILL when it asks for its n-th stretch of data, all before being in place; 0 lets it live. Each
 * stretch it is given is told on a line of `<dir>/ranges`, after it was given.
 */
const [dir = "", node = "", snapshot = "", key = "", ordinal = "0"] = process.argv.slice(2);
const store = await openDirectoryStore(join(dir, "vault"));
const keys = memoryKeys();
keys.keys.set(snapshot, Buffer.from(key, "hex"));
let stage = "";
let asked = 0;
let free = true;
const waiting: (() => void)[] = [];
/** One stretch at a time: nothing is under way when the process dies. */
const turn = async () => {
  if (!free) await new Promise<void>((resolve) => waiting.push(resolve));
  free = false;
};
const placed = () => {
  free = true;
  waiting.shift()?.();
};
const killing: Reader = {
  ...store,
  getRange: async (name, offset, length, memory) => {
    if (stage === "fetch and open") {
      await turn();
      asked += 1;
      if (asked === Number(ordinal)) process.kill(process.pid, "SIGKILL");
    }
    const bytes = await store.getRange(name, offset, length, memory);
    appendFileSync(
      join(dir, "ranges"),
      `${stage === "fetch and open" ? "data" : "list"} ${name} ${offset} ${length}\n`,
    );
    return bytes;
  },
};
const o = {
  store: killing,
  node: toNodeName(node),
  snapshot: toSnapshotId(snapshot),
  identities: [keys],
  targets: { to: join(dir, "out") },
  assertStopped: async () => {},
  keepOld: false,
  keepSpecialBits: false,
  stateDir: join(dir, "state"),
  progress: {
    ...silent,
    stage: (name: string) => {
      stage = name;
    },
    advance: placed,
  },
  signal: new AbortController().signal,
  workers: 2,
};
const { reused } = await runRestore(await planRestore(o), o);
process.stdout.write(`${reused}`);
