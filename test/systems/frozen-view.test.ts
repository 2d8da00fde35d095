import { expect, it } from "vitest";
import { profileNames } from "../../agent/profiles/index.ts";
import { type BusyNode, busyNode, frozenViewHolds } from "../support/frozen-view.ts";
import { buildNode, obstacleToRocksdb } from "./support/rocksdb.ts";

/** In all, over the nodes, each of 2 s. `COLDKEEP_ROUNDS=700` is 50 of each. */
const ROUNDS = Number(process.env.COLDKEEP_ROUNDS ?? "50");
/** So many write at once: more would leave none of them a processor to restart on. */
const AT_ONCE = 5;
const names = profileNames();
const obstacle = obstacleToRocksdb();
const each = Math.ceil(ROUNDS / (names.length + (obstacle === null ? 1 : 0)));
const rocksdb = obstacle === null ? "a real RocksDB" : `no RocksDB (${obstacle})`;

/** Many rounds take as long as they take: an hour for 50 of each on a busy machine. Milliseconds. */
const LIMIT = 120_000 + each * 75_000;
const title = `the frozen view never changes while the restarted node writes as fast as it can: ${each} rounds of 2 s each of ${names.join(", ")}, ${rocksdb}`;

it(title, { timeout: LIMIT }, async () => {
  const nodes: BusyNode[] = names.map(busyNode);
  if (obstacle === null) {
    const program = buildNode();
    nodes.push({ profile: "rocksdb", words: (folder) => [program, "write", folder], silent: true });
  }
  const compared: number[] = [];
  for (let at = 0; at < nodes.length; at += AT_ONCE) {
    const some = nodes.slice(at, at + AT_ONCE);
    compared.push(...(await Promise.all(some.map((node) => frozenViewHolds(node, each)))));
  }
  console.log(nodes.map(({ profile }, i) => `${profile}: ${compared[i]} files`).join(", "));
  expect(Math.min(...compared)).toBeGreaterThan(each);
});
