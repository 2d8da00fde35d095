import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { fromText } from "../../../agent/restore/byte-path.ts";
import { recoverRestore } from "../../../agent/restore/index.ts";
import { journalPath, type RestoreJournal, readJournal, writeJournal } from "../../../agent/restore/journal.ts";
import type { RootLayout } from "../../../agent/restore/layout.ts";
import { planSwap } from "../../../agent/restore/moves.ts";
import { swap } from "../../../agent/restore/swap.ts";
import { processIdentity } from "../../../posix/process.ts";
import { silent, toNodeName } from "../../../vault/names/index.ts";
import { tempDir } from "../../support/tmp.ts";

const CHILD = fileURLToPath(new URL("./swap-child.ts", import.meta.url));
const NODE = toNodeName("node-1");
/** Old and new content of two roots that exist and one that does not. */
const NAMES = ["a", "b", "fresh"] as const;
/** rename a away, a in, b away, b in, fresh in. */
const MOVES = 5;

function staged() {
  const dir = tempDir();
  const staging = join(dir, ".coldkeep-restore-x");
  const roots: RootLayout[] = NAMES.map((name) => {
    mkdirSync(join(staging, name), { recursive: true });
    writeFileSync(join(staging, name, "new"), name);
    if (name !== "fresh") mkdirSync(join(dir, name));
    if (name !== "fresh") writeFileSync(join(dir, name, "old"), name);
    return {
      name,
      target: fromText(join(dir, name)),
      shape: "beside",
      replaces: name === "fresh" ? "nothing" : "data",
      staging: fromText(staging),
      old: fromText(join(dir, `${name}.coldkeep-old-x`)),
    };
  });
  return { dir, stateDir: join(dir, "state"), roots };
}

/** "old" or "new" where all roots are that, and nothing else is left. */
function stateOf(dir: string): string {
  const left = readdirSync(dir).filter((name) => name !== "state");
  const contents = left.map((name) => `${name}:${readdirSync(join(dir, name)).join()}`).sort();
  if (contents.join(" ") === "a:old b:old") return "old";
  if (contents.join(" ") === "a:new b:new fresh:new") return "new";
  return contents.join(" ");
}

const journalOf = (roots: readonly RootLayout[], owner = processIdentity()): RestoreJournal => ({
  format: 1,
  phase: "staging",
  owner,
  snapshot: "s",
  run: "x",
  bound: "",
  staging: [...new Set(roots.map(({ staging }) => staging))],
  made: [],
  moves: [],
  old: [],
  keepOld: false,
  late: [],
});

describe("the exchange of all roots, killed", () => {
  it("gives what is called otherwise on this host its name in the same swap: all or nothing at any move", () => {
    for (let at = 0; at <= MOVES + 2; at += 1) {
      const { dir, stateDir, roots } = staged();
      mkdirSync(join(stateDir, NODE), { recursive: true });
      const path = journalPath(stateDir, NODE);
      const renames = (folders: readonly { readonly path: string }[]) =>
        folders.slice(0, 1).map(({ path: folder }) => ({ from: `${folder}/new`, to: `${folder}/own` }));
      const journal = { ...journalOf(roots), ...planSwap(roots, renames) };
      expect(journal.moves).toHaveLength(MOVES + 1);
      const attempt = () =>
        swap(path, journal, (n) => {
          if (n === at) throw new Error("no power");
        });
      if (at > MOVES + 1) {
        attempt();
        expect(readdirSync(join(dir, "a"))).toEqual(["own"]);
      } else {
        expect(attempt).toThrow("no power");
        expect(
          stateOf(dir)
            .replace(/ ?\.coldkeep-restore-x:[^ ]*/, "")
            .trim(),
        ).toMatch(/a:old b:old$/);
        expect(readdirSync(join(dir, ".coldkeep-restore-x", "a"))).toEqual(["new"]);
      }
    }
  });

  it.each(Array.from({ length: MOVES + 3 }, (_, n) => n))(
    "kill -9 before rename %i: all old or all new",
    async (dieAt) => {
      const { dir, stateDir, roots } = staged();
      const { signal, status, stderr } = spawnSync(
        process.execPath,
        [CHILD, stateDir, JSON.stringify(roots), `${dieAt}`],
        {
          encoding: "utf8",
        },
      );
      const killed = dieAt <= MOVES + 1;
      expect(killed ? signal : status, stderr).toBe(killed ? "SIGKILL" : 0);
      const did = await recoverRestore({ stateDir, node: NODE, progress: silent });
      expect(did === null).toBe(!killed);
      expect(stateOf(dir)).toBe(dieAt <= MOVES ? "old" : "new");
      expect(readdirSync(join(stateDir, NODE))).toEqual([]);
      expect(await recoverRestore({ stateDir, node: NODE, progress: silent })).toBeNull();
    },
  );

  it.each(Array.from({ length: MOVES + 1 }, (_, n) => n))("rename %i fails: everything is taken back", (failAt) => {
    const { dir, stateDir, roots } = staged();
    const path = journalPath(stateDir, NODE);
    const journal = { ...journalOf(roots), ...planSwap(roots) };
    const fail = (n: number) => {
      if (n === failAt) throw new Error("no");
    };
    expect(() => swap(path, journal, fail)).toThrow("no");
    for (const name of ["a", "b"]) expect(readFileSync(join(dir, name, "old"), "utf8")).toBe(name);
    expect(existsSync(join(dir, "fresh"))).toBe(false);
    expect(readJournal(path)?.phase).toBe("staging");
  });
});

describe("recovery", () => {
  it("an undo that was itself cut off goes on where it was", async () => {
    const { dir, stateDir, roots } = staged();
    const path = journalPath(stateDir, NODE);
    const journal = { ...journalOf(roots), ...planSwap(roots) };
    swap(path, journal);
    // The last move and the one before are taken back already.
    writeJournal(path, { ...journal, phase: "swapping" });
    for (const { from, to } of journal.moves.slice(-2).reverse()) renameSync(to, from);
    await recoverRestore({ stateDir, node: NODE, progress: silent });
    expect(stateOf(dir)).toBe("old");
  });

  it("takes back what lies on a device that has another number after the boot", async () => {
    const { dir, stateDir, roots } = staged();
    const path = journalPath(stateDir, NODE);
    const journal = { ...journalOf(roots), ...planSwap(roots) };
    swap(path, journal);
    const moves = journal.moves.map((move) => ({ ...move, inode: move.inode.replace(/^\d+/, "987654321") }));
    writeJournal(path, { ...journal, moves, phase: "swapping" });
    await recoverRestore({ stateDir, node: NODE, progress: silent });
    expect(stateOf(dir)).toBe("old");
  });

  it("what somebody moved meanwhile is not guessed at: it says so, and the journal stays", async () => {
    const { dir, stateDir, roots } = staged();
    const path = journalPath(stateDir, NODE);
    const journal = { ...journalOf(roots), ...planSwap(roots) };
    swap(path, journal);
    writeJournal(path, { ...journal, phase: "swapping" });
    renameSync(join(dir, "a.coldkeep-old-x"), join(dir, "elsewhere"));
    const recover = recoverRestore({ stateDir, node: NODE, progress: silent });
    await expect(recover).rejects.toMatchObject({ kind: "integrity", on: join(dir, "a") });
    expect(readJournal(path)?.phase).toBe("swapping");
  });

  it("does not touch what another living process restores", async () => {
    const { stateDir, roots } = staged();
    const parent = { ...processIdentity(), pid: 1, startTime: readStartTime(1) };
    writeJournal(journalPath(stateDir, NODE), journalOf(roots, parent));
    const recover = recoverRestore({ stateDir, node: NODE, progress: silent });
    await expect(recover).rejects.toMatchObject({ kind: "busy", retryable: true });
  });

  it.each(["", "{}", "[]", '{"format":1}', "{"])("a journal that is none (%j) is not acted on", async (text) => {
    const { dir, stateDir } = staged();
    mkdirSync(join(stateDir, NODE), { recursive: true });
    writeFileSync(journalPath(stateDir, NODE), text);
    const recover = recoverRestore({ stateDir, node: NODE, progress: silent });
    await expect(recover).rejects.toMatchObject({ kind: "integrity" });
    expect(existsSync(join(dir, ".coldkeep-restore-x"))).toBe(true);
  });

  it("something that appeared in the way is never overwritten", () => {
    const { dir, stateDir, roots } = staged();
    const journal = { ...journalOf(roots), ...planSwap(roots) };
    mkdirSync(join(dir, "fresh"));
    expect(() => swap(journalPath(stateDir, NODE), journal)).toThrow(/something has appeared there/);
    expect(readdirSync(join(dir, "fresh"))).toEqual([]);
    expect(readdirSync(join(dir, "a"))).toEqual(["old"]);
  });
});

function readStartTime(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}
