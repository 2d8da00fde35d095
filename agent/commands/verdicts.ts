import { ColdkeepError, type SnapshotId } from "../../vault/names/index.ts";
import { counted, formatCount } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { makeListing } from "./listing.ts";
import { makeSomeIds } from "./some-ids.ts";

const SHOWN = 10;

export interface Verdict {
  readonly snapshot: SnapshotId;
  readonly ok: boolean;
}

/** Tells verdicts as they come and keeps none: a vault that lost its packs has a million damages. */
export interface Verdicts<One extends Verdict> {
  add(verdict: One): Promise<void>;
  end(): Promise<Answer>;
}

/** @param head What stands in the JSON document before them. */
export function makeVerdicts<One extends Verdict>(
  call: Call,
  head: object,
  readData: boolean,
  inWords: (verdict: One) => string,
): Verdicts<One> {
  const listing = makeListing(call, head, "snapshots");
  const bad = makeSomeIds();
  let told = 0;
  return {
    add: async (verdict) => {
      const before = told === 0 ? "" : "\n";
      told += 1;
      if (!verdict.ok) bad.add(verdict.snapshot);
      // On a terminal no line of progress may stand in the midst of it.
      call.progress.close();
      // Where nobody reads any more the rest is looked at all the same: the exit code tells of all.
      await listing.add({ text: () => `${before}${inWords(verdict)}`, document: () => verdict });
    },
    end: async () => {
      const text = told === 0 ? "There are no snapshots to verify." : "";
      const answer = await listing.end({ text, document: { ok: bad.count === 0 } });
      return bad.count === 0 ? answer : { ...answer, failure: damaged(bad.count, bad.words(), readData) };
    },
  };
}

/** What people are told of one snapshot: the first ones, and how many more there are. */
export function firstLines<T>(all: readonly T[], line: (one: T) => string): readonly string[] {
  const more = all.length - SHOWN;
  return [...all.slice(0, SHOWN).map(line), ...(more > 0 ? [`  and ${formatCount(more)} more, told by --json`] : [])];
}

function damaged(count: number, on: string, readData: boolean): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: `${counted(count, "snapshot")} ${count === 1 ? "is" : "are"} damaged`,
    on,
    todo: `\`coldkeep repair${readData ? " --read-data" : ""}\` puts back what can be had; else restore from another snapshot or a copy of the vault, and \`coldkeep backup --full\` stores everything anew`,
  });
}
