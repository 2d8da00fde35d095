import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { writeFileDurable } from "../../posix/durable.ts";

/** What people know already. */
export interface Told {
  /** Since when it has been amiss, and when that was last told: milliseconds since the epoch, by what is amiss. */
  readonly amiss: Readonly<Record<string, { readonly since: number; readonly told: number; readonly times: number }>>;
}

const NOTHING: Told = { amiss: {} };

/** What was told; nothing where that is not known, as it is better told twice than not at all. */
export function readTold(path: string): Told {
  try {
    const { amiss } = JSON.parse(readFileSync(path, "utf8")) as Partial<Told>;
    return { amiss: typeof amiss === "object" && amiss !== null ? amiss : {} };
  } catch {
    return NOTHING;
  }
}

/** Only where something changed is it written: a run without anything to tell touches nothing. */
export function writeTold(path: string, before: Told, now: Told): void {
  const text = JSON.stringify(now);
  if (text === JSON.stringify(before)) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileDurable(path, Buffer.from(text), 0o600);
}
