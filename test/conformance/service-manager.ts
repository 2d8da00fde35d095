import { expect, it } from "vitest";
import type { ServiceManager } from "../../agent/node/types.ts";

/** A manager over a service of its own, and what the service itself knows. */
export interface ManagedService {
  readonly manager: ServiceManager;
  /** Whether the service's process is there, asked past the manager. */
  lives(): boolean;
  /** Resolves once the process is there, or gone. */
  until(living: boolean): Promise<void>;
}

const LIMIT = { timeoutMs: 20_000 };

/** What holds for every way to drive a node (agent/node/types.ts). `make` gives a service that is stopped. */
export function serviceManagerConforms(name: string, make: () => ManagedService): void {
  it(`${name}: starts, says that it runs, stops, says that it does not`, async () => {
    const { manager, lives, until } = make();
    expect(await manager.isRunning(LIMIT)).toBe(false);
    await manager.start(LIMIT);
    await until(true);
    expect(await manager.isRunning(LIMIT)).toBe(true);
    await manager.stop(LIMIT);
    await until(false);
    expect(await manager.isRunning(LIMIT)).toBe(false);
    expect(lives()).toBe(false);
  });

  it(`${name}: stopping what is stopped and starting what runs are no errors`, async () => {
    const { manager, until } = make();
    await manager.stop(LIMIT);
    await manager.start(LIMIT);
    await until(true);
    await manager.start(LIMIT);
    expect(await manager.isRunning(LIMIT)).toBe(true);
    await manager.stop(LIMIT);
    await until(false);
    await manager.stop(LIMIT);
    expect(await manager.isRunning(LIMIT)).toBe(false);
  });

  it(`${name}: a call that is aborted before it begins does nothing`, async () => {
    const { manager, lives } = make();
    const signal = AbortSignal.abort();
    await expect(manager.start({ ...LIMIT, signal })).rejects.toThrow();
    expect(lives()).toBe(false);
    await expect(manager.isRunning({ ...LIMIT, signal })).rejects.toThrow();
  });

  it(`${name}: a question that is cut off ends with the reason of its signal, and is no answer`, async () => {
    const { manager } = make();
    const reason = new Error("told to stop");
    const abort = new AbortController();
    const asked = manager.isRunning({ ...LIMIT, signal: abort.signal });
    abort.abort(reason);
    await expect(asked).rejects.toBe(reason);
    await expect(manager.stop({ ...LIMIT, signal: abort.signal })).rejects.toBe(reason);
  });

  it(`${name}: is described for people, and controls its node`, () => {
    const { manager } = make();
    expect(manager.kind).toMatch(/^[a-z]+$/);
    expect(manager.label.length).toBeGreaterThan(3);
    expect(manager.controls).toBe(true);
  });
}
