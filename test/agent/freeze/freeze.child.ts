/**
 * Freezes a stand-in node's folder and kills itself at a given point: `freeze.child.ts <home> <point> <service JSON>
 * [<state folder of the node>]`.
 * Points: linked, prepared, stop, down, freeze, start, started, captured.
 */
import { join } from "node:path";
import { prepareFreeze } from "../../../agent/freeze/index.ts";
import { makeManager, type ServiceConfig, type ServiceManager } from "../../../agent/node/index.ts";
import { captureSetOf } from "../../../agent/profiles/index.ts";
import { silent } from "../../../vault/names/index.ts";

const [home = "", point = "", service = "", state = join(home, "state")] = process.argv.slice(2);
const real = makeManager(JSON.parse(service) as ServiceConfig);

function at(reached: string): void {
  if (reached === point) process.kill(process.pid, "SIGKILL");
}

const manager: ServiceManager = {
  ...real,
  async start(options) {
    await real.start(options);
    at("started");
  },
  async isRunning(options) {
    const running = await real.isRunning(options);
    if (!running) at("down");
    return running;
  },
};

const prepared = await prepareFreeze({
  node: "icon",
  run: "run-1",
  roots: [{ name: "data", path: join(home, "data") }],
  profile: captureSetOf("leveldb", { immutable: ["*.dat"] }),
  control: {
    name: "icon",
    manager,
    probe: {
      health: async () => ({ healthy: true, detail: "" }),
      heights: async () => {
        at("linked");
        return null;
      },
    },
    limits: { stopMs: 20_000, startMs: 20_000, onStopTimeout: "fail" },
  },
  stateDir: state,
  progress: { ...silent, stage: at },
  signal: new AbortController().signal,
});
at("prepared");
const tree = await prepared.capture();
at("captured");
await tree.release();
process.stdout.write("done");
