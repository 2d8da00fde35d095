import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { CommandConfig } from "../../../agent/node/index.ts";
import { fromText } from "../../../agent/restore/byte-path.ts";
import type { RootLayout } from "../../../agent/restore/layout.ts";
import { lockNode } from "../../../agent/state/index.ts";
import { writeFileDurable } from "../../../posix/durable.ts";
import { processIdentity } from "../../../posix/process.ts";
import { toNodeName } from "../../../vault/names/index.ts";
import { runHere } from "../../cli/run.ts";
import { isRunning, runningNode } from "../../support/nodes-to-freeze.ts";
import { tempDir } from "../../support/tmp.ts";

const FREEZE = fileURLToPath(new URL("../freeze/freeze.child.ts", import.meta.url));
const SWAP = fileURLToPath(new URL("../restore/swap-child.ts", import.meta.url));
const ICON = toNodeName("icon");
const QUIET: CommandConfig = { manager: "command", start: "true", stop: "true", isRunning: "true" };

/** A configuration whose nodes are right and whose every other field is missing or wrong, readable by all. */
function configOf(home: string, nodes: Readonly<Record<string, CommandConfig>>): string {
  const path = join(home, "config.yaml");
  const text = Object.entries(nodes).map(([name, { start, stop, isRunning: running }]) =>
    JSON.stringify({
      [name]: {
        profile: "files",
        roots: { data: join(home, "data") },
        service: { manager: "command", start, stop, is_running: running, start_timeout: "2s" },
      },
    }).slice(1, -1),
  );
  writeFileSync(
    path,
    `version: 7
vault: gopher://nowhere
encrypt_key: 0x12
retain: {}
state_dir: ${join(home, "state")}
nodes: {${text.join(", ")}}
`,
    { mode: 0o644 },
  );
  return path;
}

/** The journal of a run that died after it had asked the node to stop. */
function deadFreeze(home: string, node: string): void {
  const state = join(home, "state", node);
  const frozen = [join(home, `.coldkeep-freeze/run-0@${node}`)];
  mkdirSync(state, { recursive: true, mode: 0o700 });
  mkdirSync(join(frozen[0] ?? "", "data"), { recursive: true });
  const identity = { ...processIdentity(), startTime: "1" };
  const record = { format: 1, node, run: "run-0", step: "stopping", label: "x", identity, frozen };
  writeFileDurable(join(state, "freeze.journal"), Buffer.from(JSON.stringify(record)));
}

describe("recover after a backup that was killed (kill -9)", () => {
  it.each(["prepared", "down", "freeze", "started", "captured"])(
    'at "%s": the node runs, nothing is left, and a second call finds nothing to do; no key, no vault',
    async (point) => {
      const home = tempDir("recover");
      const { standIn } = await runningNode(home);
      const config = configOf(home, { icon: standIn.service });
      const state = join(home, "state/icon");
      mkdirSync(state, { recursive: true, mode: 0o700 });
      const child = spawn(process.execPath, [FREEZE, home, point, JSON.stringify(standIn.service), state], {
        stdio: ["ignore", "ignore", "inherit"],
      });
      expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);

      const first = await runHere(["recover", "--config", config, "--json"]);
      expect(first.code, first.stderr).toBe(0);
      const restarts = point !== "prepared" && point !== "captured";
      expect(JSON.parse(first.stdout)).toEqual({
        ok: true,
        nodes: [
          {
            node: "icon",
            did: [
              ...(restarts ? ["icon was started, as it had been asked to stop"] : []),
              "the frozen tree of run-1 was removed",
            ],
          },
        ],
      });
      expect(await isRunning(standIn)).toBe(true);
      expect(existsSync(join(home, ".coldkeep-freeze"))).toBe(false);
      expect(readdirSync(state)).toEqual([]);
      expect(await runHere(["recover", "--config", config])).toEqual({
        code: 0,
        stdout: "icon: nothing was left behind\n",
        stderr: "",
      });
    },
  );
});

describe("recover after a restore that was killed (kill -9)", () => {
  it.each([
    ["before the first rename", 0, "old"],
    ["between two renames", 1, "old"],
    ["after the last rename", 3, "new"],
  ] as const)("%s: all as it was or all new, and a second call finds nothing to do", async (_, dieAt, expected) => {
    const home = tempDir("recover");
    const staging = join(home, ".coldkeep-restore-x");
    const target = join(home, "data");
    mkdirSync(join(staging, "data"), { recursive: true });
    writeFileSync(join(staging, "data/new"), "");
    mkdirSync(target);
    writeFileSync(join(target, "old"), "");
    const root: RootLayout = {
      name: "data",
      target: fromText(target),
      shape: "beside",
      replaces: "data",
      staging: fromText(staging),
      old: fromText(`${target}.coldkeep-old-x`),
    };
    const state = join(home, "state");
    const { signal } = spawnSync(process.execPath, [SWAP, state, JSON.stringify([root]), `${dieAt}`]);
    expect(signal).toBe("SIGKILL");

    const config = configOf(home, { "node-1": QUIET });
    const first = await runHere(["recover", "--config", config, "--node", "node-1"]);
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toMatch(
      expected === "old" ? /^node-1: .*removed what an unfinished restore of s had staged/ : /finished the restore/,
    );
    expect(readdirSync(target)).toEqual([expected]);
    expect(readdirSync(home).sort()).toEqual(["config.yaml", "data", "state"]);
    const second = await runHere(["recover", "--config", config]);
    expect(second.stdout).toBe("node-1: nothing was left behind\n");
  });
});

describe("recover of several nodes", () => {
  it("one that does not start keeps no other down; the exit code says that one may be down", async () => {
    const home = tempDir("recover");
    deadFreeze(home, "alpha");
    deadFreeze(home, "beta");
    const config = configOf(home, { alpha: { ...QUIET, start: "exit 3", isRunning: "false" }, beta: QUIET });
    const { code, stdout, stderr } = await runHere(["recover", "--config", config], {
      clock: { now: Date.now, monotonic: () => performance.now() },
    });
    expect(code).toBe(6);
    expect(stdout).toContain("beta: beta was started, as it had been asked to stop");
    expect(stderr).toContain("coldkeep: 1 node could not be recovered: alpha");
    expect(existsSync(join(home, "state/alpha/freeze.journal"))).toBe(true);
    expect(existsSync(join(home, "state/beta/freeze.journal"))).toBe(false);
  });

  it("while another run is active it changes nothing and says who", async () => {
    const home = tempDir("recover");
    deadFreeze(home, "icon");
    const config = configOf(home, { icon: QUIET });
    using _backup = lockNode(join(home, "state"), ICON, "node", "coldkeep backup --node icon");
    const { code, stdout, stderr } = await runHere(["recover", "--config", config]);
    expect({ code, stdout }).toEqual({ code: 10, stdout: "" });
    expect(stderr).toContain(`another run is active: coldkeep backup --node icon: process ${process.pid}`);
    expect(existsSync(join(home, "state/icon/freeze.journal"))).toBe(true);
  });

  it("on a host that never worked on a node it makes nothing", async () => {
    const home = tempDir("recover");
    const config = configOf(home, { icon: QUIET });
    expect((await runHere(["recover", "--config", config])).code).toBe(0);
    expect(existsSync(join(home, "state"))).toBe(false);
  });

  it("a node written wrongly is told with its place, for what it says is what drives the node", async () => {
    const home = tempDir("recover");
    const config = configOf(home, { icon: { ...QUIET, stop: "" } });
    const { code, stderr } = await runHere(["recover", "--config", config]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/config\.yaml:6:\d+: nodes\.icon\.service\.stop/);
  });
});
