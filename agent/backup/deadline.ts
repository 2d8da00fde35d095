import { ColdkeepError } from "../../vault/names/index.ts";
import { RUN_LIMIT_MS } from "./limits.ts";

/**
 * Throws once a run on top of a parent has lasted longer than the vault keeps what it builds on (PROTOCOL's L). A run
 * that builds on nothing may last. Time is monotonic, so moving the clock moves no limit.
 */
export function makeDeadline(o: {
  readonly startedAt: number;
  readonly monotonic: () => number;
  readonly limited: boolean;
}): () => void {
  return () => {
    const lasted = o.monotonic() - o.startedAt;
    if (!o.limited || lasted <= RUN_LIMIT_MS) return;
    throw new ColdkeepError("vault", {
      what: "the run has lasted too long to be committed",
      why: `${hours(lasted)} hours have passed, a run on top of a parent may last ${hours(RUN_LIMIT_MS)}`,
      todo: "run the backup again: it takes over what was put; if the line is too slow for that, use --full once",
    });
  };
}

const hours = (ms: number) => Math.floor(ms / 3_600_000);
