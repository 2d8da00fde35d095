import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chanceOf } from "./chance.ts";
import type { Campaign, Context, Failure, Result, Row } from "./types.ts";

export interface PlayOptions {
  readonly seed: string;
  /** The first round played; 1 unless a single one is to be seen again. */
  readonly first: number;
  readonly rounds: number;
  /** No new round begins after so many. */
  readonly minutes: number;
  /** Where scratch folders are made. */
  readonly under?: string;
  readonly keep: boolean;
  readonly stopAtFailure: boolean;
  say(text: string): void;
  /** Called after each round with all so far: a campaign that is ended from outside has its figures saved. */
  save?(result: Result): void;
}

/** Plays one campaign and sums up what became of it. */
export async function play(campaign: Campaign, options: PlayOptions): Promise<Result> {
  const began = performance.now();
  const under = options.under ?? tmpdir();
  mkdirSync(under, { recursive: true });
  const scratch = realpathSync(mkdtempSync(join(under, `coldkeep-torture-${campaign.name}-`)));
  const rows = new Map<string, Row>();
  const failures: Failure[] = [];
  const measured: Record<string, number | string> = {};
  const counted: Record<string, number> = {};
  const version = versionOf();
  let round = 0;
  let played = 0;
  const result = (): Result => ({
    campaign: campaign.name,
    shows: campaign.shows,
    seed: options.seed,
    rounds: played,
    took: Math.round((performance.now() - began) / 1000),
    date: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
    version,
    rows: [...rows.values()].sort((a, b) => (a.what < b.what ? -1 : 1)),
    measured,
    ...(Object.keys(counted).length > 0 ? { counted } : {}),
    failures,
  });

  const context: Context = {
    seed: options.seed,
    scratch,
    record(what, outcome, { times = 1, why } = {}) {
      const row = rows.get(what) ?? { what, times: 0, survived: 0, detected: 0, lost: 0 };
      rows.set(what, { ...row, times: row.times + times, [outcome]: row[outcome] + times });
      if (outcome !== "lost") return;
      failures.push({ what, round, why: why ?? "?" });
      options.say(`${campaign.name} ${options.seed} round ${round}: LOST: ${what}: ${why}`);
    },
    measure(name, value) {
      measured[name] = value;
    },
    count(name, times) {
      counted[name] = (counted[name] ?? 0) + times;
    },
    say: (text) => options.say(`${campaign.name} ${options.seed}: ${text}`),
    async rounds(playRound) {
      const until = began + options.minutes * 60_000;
      const last = options.first + options.rounds - 1;
      for (round = options.first; round <= last && performance.now() < until; round++) {
        try {
          await playRound(chanceOf(`${options.seed}/${campaign.name}/${round}`), round);
        } catch (error) {
          context.record("a round that broke off", "lost", { why: String((error as Error).stack ?? error) });
        }
        played += 1;
        options.save?.(result());
        if (options.stopAtFailure && failures.length > 0) return;
      }
    },
  };

  const missing = (await campaign.missing?.()) ?? null;
  if (missing !== null) throw new Error(`campaign ${campaign.name} cannot run here: ${missing}`);
  try {
    await campaign.run(context);
  } finally {
    if (!options.keep) rmSync(scratch, { recursive: true, force: true });
    else options.say(`kept: ${scratch}`);
  }
  return result();
}

/** What is being tried: the package's version and, in a checkout, its commit. */
function versionOf(): string {
  const project = fileURLToPath(new URL("../../", import.meta.url));
  const { version } = JSON.parse(readFileSync(join(project, "package.json"), "utf8")) as { version: string };
  try {
    const commit = execFileSync("git", ["rev-parse", "--short=9", "HEAD"], {
      cwd: project,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return `${version}-${commit.trim()}`;
  } catch {
    return version;
  }
}
