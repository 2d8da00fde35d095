import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, copyFileSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { EXIT_CODES } from "../../agent/exit-codes.ts";
import { tempDir } from "../support/tmp.ts";

const LAUNCHER = fileURLToPath(new URL("../../bin/coldkeep.mjs", import.meta.url));

/** Makes this Node believe that it is an older one; the packaged Node of the tests undoes it. */
const OLD_NODE =
  'data:text/javascript,Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.1.0" } });';

/** The launcher alone in a folder, beside a packaged "Node 24" that is a shell script. */
function packaged(script: string, version = "24.0.0"): string {
  const folder = tempDir("coldkeep-launcher");
  const node = join(folder, "node_modules", `node-${process.platform}-${process.arch}`);
  mkdirSync(join(node, "bin"), { recursive: true });
  writeFileSync(join(node, "package.json"), JSON.stringify({ name: "node", version }));
  writeFileSync(join(node, "bin", "node"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  copyFileSync(LAUNCHER, join(folder, "coldkeep.mjs"));
  return join(folder, "coldkeep.mjs");
}

describe("the launcher on an older Node", () => {
  it("says what to install where there is no newer one", () => {
    const copy = join(tempDir("coldkeep-launcher"), "coldkeep.mjs");
    copyFileSync(LAUNCHER, copy);
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", OLD_NODE, copy, "list"], {
      encoding: "utf8",
    });
    expect(stderr).toContain("coldkeep needs Node 24 or newer; this is Node 20.1.0");
    expect(stderr).toContain("nodejs.org");
    expect(stdout).toBe("");
    expect(status).toBe(1);
  });

  it("does not go on with a packaged Node that is too old as well", () => {
    const { status, stderr } = spawnSync(process.execPath, ["--import", OLD_NODE, packaged("exit 7", "22.0.0")], {
      encoding: "utf8",
    });
    expect(stderr).toContain("coldkeep needs Node 24");
    expect(status).toBe(1);
  });

  const BEGIN = "--min-semi-space-size=4";
  it.each([
    ["backup", [BEGIN, "--max-semi-space-size=4"], ["--heap-growing-percent=20"]],
    ["verify", [BEGIN, "--max-semi-space-size=8"], ["--heap-growing-percent=20"]],
    ["list", [BEGIN, "--max-semi-space-size=8"], ["--heap-growing-percent=20"]],
    ["repair", [BEGIN, "--max-semi-space-size=8"], ["--heap-growing-percent=20"]],
    ["ls", [BEGIN, "--max-semi-space-size=4", "--optimize-for-size"], []],
    ["status", [], []],
  ])("runs %s, in the same process, with the heap it needs", (command, flags, later) => {
    const folder = tempDir();
    const copy = join(folder, "coldkeep.mjs");
    copyFileSync(LAUNCHER, copy);
    writeFileSync(
      join(folder, "main.js"),
      `import { cachedDataVersionTag as tag } from "node:v8";
      console.log(JSON.stringify([process.execArgv, process.argv.slice(2), process.pid, tag()]));`,
    );
    const words = ["--dry-run", command, "--tag", "a b", ""];
    const { pid, stdout } = spawnSync(process.execPath, [copy, ...words], { encoding: "utf8" });
    // V8's own sum of its version and flags.
    const print = "console.log(require('node:v8').cachedDataVersionTag())";
    const tag = spawnSync(process.execPath, [...flags, ...later, "-e", print], { encoding: "utf8" }).stdout;
    expect(JSON.parse(stdout)).toEqual([flags, words, pid, Number(tag)]);
    // A shell gives them at once, so that Node does not start over.
    writeFileSync(join(folder, "node"), '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
    const env = { PATH: `${folder}:${process.env.PATH}` };
    const given = spawnSync(copy, words, { encoding: "utf8", env }).stdout;
    expect(given.split("\n").slice(0, -1)).toEqual([...new Set([BEGIN, ...flags]), "--", copy, ...words]);
  });

  it("goes on with the packaged one: same words, same streams, same exit code", () => {
    const copy = packaged('shift 5; cat; echo "words: $*"; echo problem >&2; exit 7');
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ["--import", OLD_NODE, copy, "backup", "--at", "a b"],
      {
        encoding: "utf8",
        input: "from stdin\n",
      },
    );
    expect(stdout).toBe("from stdin\nwords: backup --at a b\n");
    expect(stderr).toBe("problem\n");
    expect(status).toBe(7);
  });

  it.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("passes %s on and waits for the end", async (signal) => {
    const copy = packaged(`trap 'echo got it; exit 130' ${signal.slice(3)}; echo ready; while :; do sleep 0.05; done`);
    const child = spawn(process.execPath, ["--import", OLD_NODE, copy], { stdio: ["ignore", "pipe", "ignore"] });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said === "ready\n") child.kill(signal);
    });
    const [status] = await once(child, "close");
    expect(said).toBe("ready\ngot it\n");
    expect(status).toBe(130);
  });

  it("ends as the child did where a signal killed it", () => {
    const { status } = spawnSync(process.execPath, ["--import", OLD_NODE, packaged("kill -KILL $$")]);
    expect(status).toBe(137);
  });
});

describe("the launcher in a checkout", () => {
  it("runs the sources", () => {
    const { status, stdout } = spawnSync(process.execPath, [LAUNCHER, "--version"], { encoding: "utf8" });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+/);
    expect(status).toBe(0);
  });

  it.each([
    ["text", []],
    ["JSON", ["--json"]],
  ])("says that its output was not written where the disk is full, in %s", (_, flags) => {
    const full = openSync("/dev/full", "w");
    try {
      const words = ["config", "schema", ...flags];
      const { status, stderr } = spawnSync(process.execPath, [LAUNCHER, ...words], {
        encoding: "utf8",
        stdio: ["ignore", full, "pipe"],
      });
      expect(stderr).toMatch(/cannot write the output.*no space is left/);
      expect(status).toBe(EXIT_CODES["no-space"].code);
    } finally {
      closeSync(full);
    }
  });
});
