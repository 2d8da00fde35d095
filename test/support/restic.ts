import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Tiers, UNITS } from "../../vault/retain/index.ts";
import { formatSpan } from "../../vault/retain/span.ts";

const run = promisify(execFile);

/** The restic there is, or null: `[0, 14]`. COLDKEEP_RESTIC names another than the one on PATH. */
export function resticVersion(): readonly [number, number] | null {
  try {
    const told = execFileSync(program(), ["version"], { encoding: "utf8" });
    const [, major, minor] = /^restic (\d+)\.(\d+)/.exec(told) ?? [];
    return major === undefined ? null : [Number(major), Number(minor)];
  } catch {
    return null;
  }
}

/** From 0.16 on the oldest snapshot is kept as long as a count is not used up. */
export function keepsOldest([major, minor]: readonly [number, number]): boolean {
  return major > 0 || minor >= 16;
}

/** Rules as the options of `restic forget`. */
export function flagsOf({ keep, within, tags }: Pick<Tiers, "keep" | "within" | "tags">): string[] {
  return [
    ...UNITS.flatMap((unit) => (keep[unit] === undefined ? [] : [`--keep-${unit}`, String(keep[unit])])),
    ...UNITS.flatMap((unit) => {
      const span = within[unit];
      return span === undefined ? [] : [unit === "last" ? "--keep-within" : `--keep-within-${unit}`, formatSpan(span)];
    }),
    ...tags.flatMap((set) => ["--keep-tag", set.join(",")]),
  ];
}

/** A repository of one tiny file, backed up at given times in a given zone. */
export async function resticRepository(folder: string, timezone: string) {
  const source = join(folder, "source");
  mkdirSync(source);
  writeFileSync(join(source, "file"), "x");
  const env = { ...process.env, TZ: timezone, RESTIC_PASSWORD: "x", RESTIC_REPOSITORY: join(folder, "repository") };
  const restic = async (args: readonly string[]) =>
    (await run(program(), ["--no-cache", "--json", ...args], { env, maxBuffer: 64 << 20 })).stdout;
  await restic(["init"]);
  return {
    backup: async (time: number, tags: readonly string[]) => {
      const local = new Intl.DateTimeFormat("sv-SE", { timeZone: timezone, dateStyle: "short", timeStyle: "medium" });
      await restic(["backup", source, "--host", "h", "--time", local.format(time), "--tag", tags.join(",")]);
    },
    /** Times as they were stored: of a time that clocks show twice, the zone rules choose one. */
    times: async (): Promise<readonly number[]> =>
      (JSON.parse(await restic(["snapshots"])) as { time: string }[]).map(({ time }) => Date.parse(time)),
    /** Times of what would be kept of the snapshots with this tag. */
    forget: async (history: string, flags: readonly string[]): Promise<readonly number[]> => {
      const told = await restic(["forget", "--dry-run", "--group-by", "host", "--tag", history, ...flags]);
      const [group] = JSON.parse(told.slice(told.indexOf("["))) as [{ keep: { time: string }[] | null }?];
      return (group?.keep ?? []).map(({ time }) => Date.parse(time));
    },
  };
}

function program(): string {
  return process.env.COLDKEEP_RESTIC ?? "restic";
}
