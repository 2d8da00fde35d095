import { ColdkeepError } from "../../vault/names/index.ts";
import type { Standing } from "./standing.ts";
import type { Database } from "./types.ts";

/** Where the content of one database is taken from. */
export interface Source {
  readonly database: Database["key"];
  /** A member's file, or one of this host that is standalone already. */
  readonly from: { readonly member: string } | { readonly file: string };
  /** Why that one, for people. */
  readonly why: string;
}

/** All that a recovery does hangs on this; it is written down before anything is stopped. */
export interface RecoverPlan {
  /** Names what is moved away: `<file>.coldkeep-<run>`. */
  readonly run: string;
  readonly replicas: number;
  readonly sources: readonly Source[];
  /** Names, in order; the first gets the databases. */
  readonly members: readonly string[];
}

/**
 * The most complete file that is whole: of the highest term and index, the first member's where several are alike.
 * @throws ColdkeepError `integrity` where none is whole; `refused` where the files are of different clusters;
 *   `not-found` where `wanted` names none of them.
 */
export function chooseSource(database: Database, standings: readonly Standing[], wanted: string | undefined): Source {
  const whole = standings.flatMap(({ member, stored }) =>
    stored !== null && stored.damage === null ? [{ member, stored }] : [],
  );
  const told = standings.map((each) => `${each.member}: ${stateOf(each)}`).join("; ");
  if (whole.length === 0) {
    throw new ColdkeepError("integrity", {
      what: `no member has a whole file of ${database.schema}`,
      why: told,
      todo: `restore a snapshot with --to, and give its file by --${database.key}-file`,
    });
  }
  if (wanted !== undefined) {
    const found = whole.find(({ member }) => member === wanted);
    if (found === undefined) {
      throw new ColdkeepError("not-found", { what: "that member has no whole file", on: wanted, why: told });
    }
    return { database: database.key, from: { member: wanted }, why: "--from says so" };
  }
  const clusters = new Set(whole.flatMap(({ stored }) => (stored.cid === null ? [] : [stored.cid])));
  if (clusters.size > 1) {
    throw new ColdkeepError("refused", {
      what: `the files of ${database.schema} are of different clusters`,
      why: whole.map(({ member, stored }) => `${member}: ${stored.cid ?? "standalone"}`).join("; "),
      todo: "find out which one is right, and say so with --from",
    });
  }
  const [first] = whole;
  const best = whole.reduce((a, b) => (isAhead(b.stored, a.stored) ? b : a), first as (typeof whole)[number]);
  const passed =
    standings[0]?.member === best.member ? "" : `; ${standings[0]?.member}: ${stateOf(standings[0] as Standing)}`;
  return { database: database.key, from: { member: best.member }, why: `${stateOf(best)}${passed}` };
}

function isAhead(a: { term: number; index: number }, b: { term: number; index: number }): boolean {
  return a.term > b.term || (a.term === b.term && a.index > b.index);
}

function stateOf({ stored, unreachable }: Pick<Standing, "stored"> & { readonly unreachable?: string | null }): string {
  if (unreachable != null) return unreachable;
  if (stored === null) return "it has no file";
  if (stored.damage !== null) return `damaged (${stored.damage})`;
  return stored.clustered ? `whole up to term ${stored.term}, index ${stored.index}` : "standalone, and whole";
}
