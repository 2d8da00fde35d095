import { systemClock } from "../../posix/clock.ts";
import type { Heights } from "../../vault/card/types.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import {
  type EntrySource,
  makeEntrySource,
  makePackTable,
  type OpenedSnapshot,
  openSnapshot,
  type PackTable,
} from "../open/index.ts";
import { toText } from "./byte-path.ts";
import type { Kept } from "./kept.ts";
import { type Layout, layOut } from "./layout.ts";
import { newRunName } from "./run-name.ts";
import { makeSelection } from "./select-paths.ts";
import { type Selects, withoutSecrets } from "./selection.ts";
import { assertSpace, freeAt } from "./space.ts";
import { type Survey, survey } from "./survey.ts";
import type { RestoreOptions, RestorePlan } from "./types.ts";
import { boundTo, findUnfinished } from "./unfinished.ts";

/** What `runRestore` needs of a plan beyond what people see; kept apart so that a plan prints as data. */
export interface PlanDetails {
  readonly source: EntrySource;
  readonly packs: PackTable;
  readonly survey: Survey;
  readonly selects: Selects;
  /** See `boundTo`. */
  readonly bound: string;
}

const details = new WeakMap<RestorePlan, PlanDetails>();

/** @throws ColdkeepError `internal` for a plan that was not made by `planRestore` in this process. */
export function detailsOf(plan: RestorePlan): PlanDetails {
  const found = details.get(plan);
  if (found === undefined) throw new ColdkeepError("internal", { what: "a restore plan was not made by planRestore" });
  return found;
}

/**
 * Reads and proves all that says what a snapshot holds, and finds out whether it can be restored to the targets.
 * Nothing on disk changes.
 * @throws ColdkeepError as `openSnapshot`; `refused` for a snapshot too old or a target that cannot be used;
 *   `no-space`; `usage` for a pattern that means nothing or matches nothing.
 */
export async function planRestore(o: RestoreOptions): Promise<RestorePlan> {
  const chosen = makeSelection(o.include, o.exclude);
  const partial = (o.include?.length ?? 0) + (o.exclude?.length ?? 0) > 0;
  if (partial && !("to" in o.targets)) throw partialInPlace();
  const opened = await openSnapshot({ ...o, olderVersions: true });
  const selects = opened.withoutSecrets ? withoutSecrets(chosen) : chosen;
  if (opened.withoutSecrets && !("to" in o.targets)) throw partialInPlace();
  assertRecent(opened, o);
  const packs = makePackTable(opened);
  const source = makeEntrySource(opened, packs, o.signal);
  const found = await survey(source, packs, selects);
  const names = opened.manifest.roots.map(({ name }) => name).filter((name) => !partial || found.roots.has(name));
  if (names.length === 0) throw nothingSelected(opened);
  const bound = boundTo(opened, o);
  const unfinished = findUnfinished(bound, o);
  const resumes = unfinished?.same === true;
  const layout = layOut(o.targets, names, newRunName(), unfinished?.journal.staging);
  if (!resumes) assertFits(layout, found);
  const { core } = opened.card;
  const plan: RestorePlan = {
    snapshot: core.snapshot,
    origin: opened.origin,
    signer: opened.signer,
    seq: core.seq,
    heights: core.heights ?? null,
    receivedAt: opened.receivedAt,
    capturedAt: core.captured,
    files: found.files,
    directories: found.directories,
    links: found.hardlinks + found.symlinks,
    bytes: found.bytes,
    allocated: [...found.roots.values()].reduce((sum, { allocated }) => sum + allocated, 0),
    fetch: { bytes: found.fetch.bytes, requests: found.fetch.requests },
    roots: layout.roots.map(({ name, target, replaces, staging }) => ({
      name,
      target: toText(target),
      replaces,
      free: freeAt(staging),
    })),
    unfinished: resumes ? unfinished.journal.staging.map(toText) : [],
    opened,
  };
  details.set(plan, { source, packs, survey: found, selects, bound });
  return plan;
}

/** @throws ColdkeepError `no-space`. */
export function assertFits(layout: Layout, found: Survey): void {
  assertSpace(
    layout.roots.map(({ name, staging }) => {
      const { allocated, inodes } = found.roots.get(name) ?? { allocated: 0, inodes: 0 };
      return { folder: staging, bytes: allocated, inodes };
    }),
  );
}

/** The same for what is still to come of a restore that goes on. @throws ColdkeepError `no-space`. */
export function assertRestFits(layout: Layout, { missing }: Kept): void {
  assertSpace(layout.roots.map(({ name, staging }) => ({ folder: staging, bytes: missing.get(name) ?? 0, inodes: 0 })));
}

/** FORMAT.md ruling 12: freshness is proven only against what the user knows. */
function assertRecent({ card, receivedAt }: OpenedSnapshot, o: RestoreOptions): void {
  const { core } = card;
  if (o.minSeq !== undefined && core.seq < o.minSeq)
    throw tooOld(o, `its number is ${core.seq}, at least ${o.minSeq} is asked for`);
  if (o.minHeight !== undefined) {
    const height = lowest(core.heights);
    const shown = height === null ? "not recorded" : `${height}`;
    if (height === null || height < o.minHeight)
      throw tooOld(o, `its height is ${shown}, at least ${o.minHeight} is asked for`);
  }
  if (o.maxAgeMs === undefined) return;
  if (receivedAt === null)
    throw tooOld(o, "when the vault received it is not known any more, so its age is not either");
  const age = (o.clock ?? systemClock).now() - receivedAt;
  if (age > o.maxAgeMs) {
    throw tooOld(o, `the vault received it ${seconds(age)} s ago, at most ${seconds(o.maxAgeMs)} s are asked for`);
  }
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}

function lowest(heights: Heights | undefined): number | null {
  const all = Object.values(heights ?? {});
  return all.length === 0 ? null : Math.min(...all);
}

function tooOld(o: RestoreOptions, why: string): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "the snapshot is not as recent as asked for",
    on: o.snapshot,
    why,
    todo: "choose a newer one (`coldkeep list`), or ask for less",
  });
}

function partialInPlace(): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "cannot restore a part in place",
    why: "what is left out would be missing afterwards from the node's folders",
    todo: "restore the part to a fresh folder with --to, then copy what you need",
  });
}

function nothingSelected({ manifest }: OpenedSnapshot): ColdkeepError {
  const roots = manifest.roots.map(({ name }) => name).join(", ");
  return new ColdkeepError("usage", {
    what: "the patterns leave nothing to restore",
    why: `paths begin with a root's name; this snapshot has: ${roots}`,
    todo: "patterns look like data/blocks/*.rfile or **/LOG",
  });
}
