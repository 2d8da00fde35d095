import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { makeManager } from "../../agent/node/index.ts";
import { controlOf } from "./freezing.ts";
import { makeStandIn, type StandIn } from "./stand-in-node.ts";

/** Nothing of a freeze is left, neither beside the root nor in the state. */
export function expectNothingLeft(home: string): void {
  expect(existsSync(join(home, ".coldkeep-freeze"))).toBe(false);
  expect(readdirSync(join(home, "state"))).toEqual([]);
}

/** A stand-in in `home`, running, and how a freeze drives it. */
export async function runningNode(home: string, limits = {}, ...options: readonly string[]) {
  const standIn = makeStandIn(home);
  const child = await standIn.start(...options);
  const control = controlOf(makeManager(standIn.service), {
    limits: { stopMs: 20_000, startMs: 20_000, onStopTimeout: "fail", ...limits },
  });
  return { standIn, child, control };
}

export async function isRunning(standIn: StandIn): Promise<boolean> {
  return makeManager(standIn.service).isRunning({ timeoutMs: 20_000 });
}
