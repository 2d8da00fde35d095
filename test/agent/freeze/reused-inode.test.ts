import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { linkSync, mkdirSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { fromBytes } from "../../../agent/freeze/bytes.ts";
import { type InodeSet, makeInodeSet } from "../../../agent/freeze/inode-set.ts";
import { stillOurs, whoHolds } from "../../../agent/freeze/proof.ts";
import { silent } from "../../../vault/names/index.ts";
import { controlOf, puppet } from "../../support/freezing.ts";
import { tempDir } from "../../support/tmp.ts";

/** A process that has a file open until the test ends. */
async function holding(path: string): Promise<ChildProcess> {
  const script = `const fd = require("node:fs").openSync(${JSON.stringify(path)}, "r+"); console.log(fd); setInterval(() => {}, 1e9)`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  if (child.stdout !== null) await once(child.stdout, "data");
  return child;
}

it("an inode that another process has got since for a file of its own does not keep a node from being down; a link of ours does", async () => {
  const home = realpathSync(tempDir("coldkeep-reused"));
  const root = join(home, "data");
  mkdirSync(root);
  writeFileSync(join(root, "ours"), "ours");
  writeFileSync(join(home, "theirs"), "theirs");
  linkSync(join(root, "ours"), join(home, "by-another-path"));
  // Both were seen below the root while the node ran: the one that is theirs now was removed there.
  const set = makeInodeSet();
  for (const name of ["theirs", "data/ours"]) set.add(statSync(join(home, name)).ino);
  const inodes = new Map<bigint, InodeSet>([[statSync(root, { bigint: true }).dev, set]]);
  const roots = [{ path: fromBytes(Buffer.from(root)) }];
  const proof = { control: controlOf(puppet().manager), roots, inodes, profile: null, progress: silent };
  const [theirs, ours] = [await holding(join(home, "theirs")), await holding(join(home, "by-another-path"))];
  const pids = (holders: readonly { readonly pid: number }[]) => holders.map(({ pid }) => pid).sort();
  expect(pids(whoHolds(proof))).toEqual([theirs.pid, ours.pid].sort());
  expect(pids(stillOurs(proof, whoHolds(proof)))).toEqual([ours.pid]);
});
