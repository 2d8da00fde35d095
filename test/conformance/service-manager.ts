import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { exitCodeOf } from "../../agent/exit-codes.ts";
import { prepareFreeze, recoverFreeze } from "../../agent/freeze/index.ts";
import { type FreezeStep, writeJournal } from "../../agent/freeze/journal.ts";
import { makeManager, type ServiceConfig, startAndWait, stopAndWait } from "../../agent/node/index.ts";
import type { NodeControl, NodeLimits, ServiceManager } from "../../agent/node/types.ts";
import { silent } from "../../vault/names/index.ts";
import { controlOf, entriesOf, freezeOptions, pathOf } from "../support/freezing.ts";
import type { Flavour } from "../support/held-service.ts";
import { toldOf } from "../support/told.ts";

/** A manager over a service of its own, and what the service itself knows. */
export interface ManagedService {
  readonly manager: ServiceManager;
  /** What it is made of: another process makes the same of it. */
  readonly settings: ServiceConfig;
  /** `<home>/data` is the folder whose files the service holds. */
  readonly home: string;
  /** Whether the service's process is there, asked past the manager. */
  lives(): boolean;
  /** Resolves once the process is there, or gone. */
  until(living: boolean): Promise<void>;
}

/** The manager of these settings. */
export function managedBy(settings: ServiceConfig): Pick<ManagedService, "manager" | "settings"> {
  return { settings, manager: makeManager(settings) };
}

const LIMIT = { timeoutMs: 60_000 };
const never = new AbortController().signal;

/**
 * What holds for every way to drive a node (agent/node/types.ts). `make` gives a service that is stopped. `basics` leaves
 * out what takes long, for a second command line of the same manager.
 */
export function serviceManagerConforms(
  name: string,
  make: (flavour: Flavour) => ManagedService | Promise<ManagedService>,
  parts: "all" | "basics" = "all",
): void {
  const started = async (flavour: Flavour = "well") => {
    const service = await make(flavour);
    await service.manager.start(LIMIT);
    await service.until(true);
    await untilRuns(service.manager);
    return service;
  };
  const controlled = (service: ManagedService, limits: Partial<NodeLimits> = {}): NodeControl =>
    controlOf(service.manager, { limits: { stopMs: 60_000, startMs: 60_000, onStopTimeout: "fail", ...limits } });

  it(`${name}: starts, says that it runs, stops, says that it does not`, async () => {
    const { manager, lives, until } = await make("well");
    expect(await manager.isRunning(LIMIT)).toBe(false);
    await manager.start(LIMIT);
    await until(true);
    await untilRuns(manager);
    await manager.stop(LIMIT);
    await until(false);
    await untilStops(manager);
    expect(lives()).toBe(false);
  });

  it(`${name}: stopping what is stopped and starting what runs are no errors`, async () => {
    const { manager, until } = await make("well");
    await manager.stop(LIMIT);
    await manager.start(LIMIT);
    await until(true);
    await manager.start(LIMIT);
    await untilRuns(manager);
    await manager.stop(LIMIT);
    await until(false);
    await manager.stop(LIMIT);
    await untilStops(manager);
  });

  it(`${name}: a call that is aborted before it begins does nothing`, async () => {
    const { manager, lives } = await make("well");
    const signal = AbortSignal.abort();
    await expect(manager.start({ ...LIMIT, signal })).rejects.toThrow();
    expect(lives()).toBe(false);
    await expect(manager.isRunning({ ...LIMIT, signal })).rejects.toThrow();
  });

  it(`${name}: a question that is cut off ends with the reason of its signal, and is no answer`, async () => {
    const { manager } = await make("well");
    const reason = new Error("told to stop");
    const abort = new AbortController();
    const asked = manager.isRunning({ ...LIMIT, signal: abort.signal });
    abort.abort(reason);
    await expect(asked).rejects.toBe(reason);
    await expect(manager.stop({ ...LIMIT, signal: abort.signal })).rejects.toBe(reason);
  });

  it(`${name}: is described for people, and controls its node`, async () => {
    const { manager } = await make("well");
    expect(manager.kind).toMatch(/^[a-z]+$/);
    expect(manager.label.length).toBeGreaterThan(3);
    expect(manager.controls).toBe(true);
  });

  it(`${name}: a freeze stops it, captures its files, and brings it back`, async () => {
    const service = await started();
    const prepared = await prepareFreeze(freezeOptions(service.home, { control: controlled(service) }));
    const tree = await prepared.capture();
    expect((await entriesOf(tree)).map(pathOf)).toContain("data/000002.log");
    await service.until(true);
    await untilRuns(service.manager);
    // Once by the test, once by the freeze.
    expect(readFileSync(join(service.home, "data/000002.log"), "utf8")).toBe("began\nbegan\n");
    await tree.release();
    await stopAndWait(controlled(service), silent, never);
    await service.until(false);
  });

  if (parts === "basics") return;

  it(`${name}: one that will not stop within its limit is given up and left running, or killed where that was asked for`, async () => {
    const patient = await started("deaf");
    const prepared = await prepareFreeze(
      freezeOptions(patient.home, { control: controlled(patient, { stopMs: 1500 }) }),
    );
    const stuck = await prepared.capture().catch((error: unknown) => error);
    expect(stuck).toMatchObject({ kind: "node-stop" });
    expect([exitCodeOf(stuck), patient.lives()]).toEqual([5, true]);

    const strict = controlled(patient, { stopMs: 1500, onStopTimeout: "kill" });
    const tree = await (await prepareFreeze(freezeOptions(patient.home, { control: strict, run: "run-2" }))).capture();
    await patient.until(true);
    await untilRuns(patient.manager);
    await tree.release();
  });

  it(`${name}: one that cannot start is tried again, and told within its limit, to people and by its exit code`, async () => {
    const service = await make("broken");
    const starts: string[] = [];
    const manager: ServiceManager = {
      ...service.manager,
      start(options) {
        starts.push("start");
        return service.manager.start(options);
      },
    };
    const control = controlOf(manager, { limits: { stopMs: 1, startMs: 6000, onStopTimeout: "fail" } });
    const failure = await startAndWait(control, silent, never).catch((error: unknown) => error);
    expect(failure).toMatchObject({ kind: "node-start" });
    expect(exitCodeOf(failure)).toBe(6);
    // A start that is refused at once is tried three times, as far as the limit lets it; one that is taken is waited for, and
    // not asked for again.
    const taken = String((failure as Error).message).includes("did not come back");
    expect(taken ? [1] : [2, 3]).toContain(starts.length);
    expect(await toldOf(failure)).toMatchObject({
      ...{ event: "failure", job: "backup", node: "icon", kind: "node-start" },
      title: expect.stringMatching(/^coldkeep: backup of icon on .* FAILED$/),
      words: expect.stringContaining((failure as Error).message.split(":")[0] ?? "?"),
    });
  });

  it(`${name}: a stop that lies freezes nothing: the process is still there`, async () => {
    const service = await started();
    const liar: ServiceManager = { ...service.manager, stop: async () => {}, isRunning: async () => false };
    let asked = 0;
    // Says that it is down after the stop only: what comes back has to be seen.
    const manager: ServiceManager = {
      ...liar,
      isRunning: async (options) => (asked++ === 0 ? false : service.manager.isRunning(options)),
    };
    const control = controlOf(manager, { limits: { stopMs: 500, startMs: 60_000, onStopTimeout: "fail" } });
    const prepared = await prepareFreeze(freezeOptions(service.home, { control }));
    await expect(prepared.capture()).rejects.toMatchObject({
      kind: "node-stop",
      what: "the node is said to be down, but its files are held",
    });
    expect(service.lives()).toBe(true);
    expect(existsSync(join(service.home, ".coldkeep-freeze"))).toBe(false);
    await stopAndWait(controlled(service), silent, never);
    await service.until(false);
  });

  it(`${name}: a crash between any two steps, and a kill of the agent at each: recover brings it up, whether it was down by then or not`, async () => {
    const service = await started();
    const { home, manager, lives, until } = service;
    const control = controlled(service);
    const { stateDir } = freezeOptions(home);
    const recover = () => recoverFreeze({ node: "icon", stateDir, control, progress: silent, signal: never });
    for (const step of ["prepared", "stopping", "started"] satisfies FreezeStep[]) {
      for (const down of step === "stopping" ? [false, true] : [false]) {
        if (down) {
          await stopAndWait(control, silent, never);
          await until(false);
        }
        writeJournal(stateDir, { node: "icon", run: "run-1", label: manager.label, frozen: [], step }, true);
        expect((await recover())?.did.length).toBeGreaterThan(0);
        await until(true);
        expect([step, down, lives(), await manager.isRunning(LIMIT)]).toEqual([step, down, true, true]);
        expect(await recover()).toBeNull();
      }
    }
    // And with the agent itself killed (kill -9), wherever its node is down or about to be; for commands kills.test.ts does it.
    for (const point of service.settings.manager === "command" ? [] : ["stop", "down", "freeze", "start"]) {
      await freezeKilledAt(point, service);
      expect((await recover())?.did).toContain("icon was started, as it had been asked to stop");
      await until(true);
      expect([point, lives(), await manager.isRunning(LIMIT)]).toEqual([point, true, true]);
      expect(existsSync(join(home, ".coldkeep-freeze/run-1@icon"))).toBe(false);
    }
    await stopAndWait(control, silent, never);
    await until(false);
  });
}

const CHILD = fileURLToPath(new URL("../agent/freeze/freeze.child.ts", import.meta.url));

/** A freeze by a process of its own, which kills itself at that point. */
async function freezeKilledAt(point: string, { home, settings }: ManagedService): Promise<void> {
  const words = [CHILD, home, point, JSON.stringify(settings), freezeOptions(home).stateDir];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "inherit", "inherit"] });
  const [, killer] = (await once(child, "exit")) as [number | null, string | null];
  expect([point, killer]).toEqual([point, "SIGKILL"]);
}

/** A manager may need a moment to see what its service did. */
async function untilRuns(manager: ServiceManager): Promise<void> {
  while (!(await manager.isRunning(LIMIT)));
}

async function untilStops(manager: ServiceManager): Promise<void> {
  while (await manager.isRunning(LIMIT));
}
