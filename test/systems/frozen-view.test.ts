import { expect, it } from "vitest";
import { profileNames } from "../../agent/profiles/index.ts";
import { type BusyNode, busyNode, frozenViewHolds } from "../support/frozen-view.ts";
import { buildNode, obstacleToRocksdb } from "./support/rocksdb.ts";

/** Of each node, 2 s each. `COLDKEEP_ROUNDS=50` is the full campaign, of a quarter of an hour. */
const ROUNDS = Number(process.env.COLDKEEP_ROUNDS ?? "6");
/** So many write at once: more would leave none of them a processor to restart on. */
const AT_ONCE = 7;
const names = profileNames();
const obstacle = obstacleToRocksdb();
const rocksdb = obstacle === null ? "a real RocksDB" : `no RocksDB (${obstacle})`;

/** Of the full campaign on a busy machine. Milliseconds. */
const LIMIT = 3_600_000;
const title = `the frozen view never changes while the restarted node writes as fast as it can: ${ROUNDS} rounds of 2 s each of ${names.join(", ")}, ${rocksdb}`;

it(title, { timeout: LIMIT }, async () => {
  const nodes: BusyNode[] = names.map(busyNode);
  if (obstacle === null) {
    const program = buildNode();
    nodes.push({ profile: "rocksdb", words: (folder) => [program, "write", folder], silent: true });
  }
  const compared: number[] = [];
  for (let at = 0; at < nodes.length; at += AT_ONCE) {
    const some = nodes.slice(at, at + AT_ONCE);
    compared.push(...(await Promise.all(some.map((node) => frozenViewHolds(node, ROUNDS)))));
  }
  console.log(nodes.map(({ profile }, i) => `${profile}: ${compared[i]} files`).join(", "));
  expect(Math.min(...compared)).toBeGreaterThan(ROUNDS);
});
