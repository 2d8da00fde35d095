import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { keyedNode } from "../../support/keyed-node.ts";
import { tempDir } from "../../support/tmp.ts";

const TREE_AHEAD = fileURLToPath(new URL("../../../agent/commands/tree-ahead.ts", import.meta.url));

const told = vi.hoisted(() => ({ calls: [] as string[] }));

vi.mock("../../../agent/commands/tree-ahead.ts", () => ({
  startTreeAhead: () => void told.calls.push("start"),
  lookAhead: () => {
    told.calls.push("look");
    return true;
  },
  endTreeAhead: () => void told.calls.push("end"),
}));

describe("a backup whose folders are looked at ahead", () => {
  beforeEach(() => {
    told.calls = [];
  });

  it("has it end before a node could be stopped, and whatever becomes of the run", async () => {
    const node = await keyedNode("encrypt_key: HOME/a.key");
    node.file("a.key", "mI7dHaRVxNCeoBFqxuTfZ1ycpAOyPT6E\n");
    await node.json("backup");
    expect(told.calls).toEqual(["start", "look", "end", "end"]);
  });

  it("does not have it look where the backup is refused", async () => {
    const node = await keyedNode("encrypt_key: HOME/a.key");
    node.file("a.key", "mI7dHaRVxNCeoBFqxuTfZ1ycpAOyPT6E\n");
    await node.json("pause", "--for", "1h");
    expect((await node.run(["backup"])).code).toBe(18);
    expect(told.calls).toEqual(["start", "end"]);
  });

  it("does without it where nothing is backed up", async () => {
    const node = await keyedNode("encrypt_key: HOME/a.key");
    node.file("a.key", "mI7dHaRVxNCeoBFqxuTfZ1ycpAOyPT6E\n");
    await node.run(["backup", "--dry-run"]);
    expect(told.calls).toEqual([]);
  });
});

describe("the thread that looks ahead", () => {
  /** What becomes of a process that does nothing else. */
  async function alone(node: object, cold = "() => true", then = "console.log(lookAhead(node));") {
    const globs = { immutable: [], append_only: [], exclude: [], secret: [] };
    const settings = JSON.stringify({ profile: "files", globs, chains: [], roots: [], ...node });
    const script = `
      import threads from "node:worker_threads";
      import { syncBuiltinESMExports } from "node:module";
      let gone;
      threads.Worker = class extends threads.Worker {
        constructor(...words) {
          super(...words);
          gone = new Promise((resolve) => this.once("exit", resolve));
        }
      };
      syncBuiltinESMExports();
      const { startTreeAhead, lookAhead, endTreeAhead } = await import(${JSON.stringify(TREE_AHEAD)});
      const node = ${settings};
      startTreeAhead(node, ${cold});
      ${then}`;
    const file = join(tempDir(), "alone.mts");
    writeFileSync(file, script);
    return promisify(execFile)(process.execPath, [file], { timeout: 10_000 });
  }

  function tree(): string {
    const root = tempDir();
    for (let n = 0; n < 300; n += 1) {
      mkdirSync(join(root, `${n}`));
      writeFileSync(join(root, `${n}`, "file"), "content");
    }
    return root;
  }

  it("keeps no process alive", async () => {
    const roots = [{ name: "data", path: tree() }];
    expect(await alone({ roots }, "() => true", "")).toEqual({ stdout: "", stderr: "" });
    expect(await alone({ roots })).toEqual({ stdout: "true\n", stderr: "" });
  });

  const GONE = `
    const alive = setInterval(() => {}, 1000);
    await gone;
    clearInterval(alive);
    endTreeAhead();
    console.log("gone");`;

  it("ends when it is told to, and when it has looked at everything", async () => {
    const roots = [{ name: "data", path: tree() }];
    const gone = { stdout: "gone\n", stderr: "" };
    expect(await alone({ roots }, "() => true", `lookAhead(node);${GONE}`)).toEqual(gone);
    expect(await alone({ roots }, "() => true", `endTreeAhead();${GONE}`)).toEqual(gone);
  });

  it("is the only one that suffers what befalls it", async () => {
    const roots = [{ name: "data", path: tree() }];
    const bad = { roots, profile: "none" };
    expect(await alone(bad, "() => true", `lookAhead(node);${GONE}`)).toEqual({ stdout: "gone\n", stderr: "" });
  });

  it("is not started where all is in memory, nor where backups are to leave others something", async () => {
    const roots = [{ name: "data", path: tree() }];
    expect(await alone({ roots }, "() => false")).toEqual({ stdout: "false\n", stderr: "" });
    expect(await alone({ roots, pace: { cpu: { cores: 1 } } })).toEqual({ stdout: "false\n", stderr: "" });
    expect(await alone({ roots, pace: { read: 1e6 } })).toEqual({ stdout: "false\n", stderr: "" });
    expect(await alone({ roots, pace: { upload: 1e6 } })).toEqual({ stdout: "true\n", stderr: "" });
  });
});
