import { type ClosingCard, isCommitted } from "../../vault/card/index.ts";
import { ColdkeepError, names, type SnapshotId } from "../../vault/names/index.ts";
import { LivePacks } from "../../vault/retain/index.ts";
import type { Reader } from "../../vault/store/facets.ts";
import { eachWithin } from "../copy/within.ts";
import { type NodeScope, readCard } from "../read.ts";
import { hasCard, isOpenRun, type Scan } from "../retain/scan.ts";
import { closingChain, endOf } from "./closings.ts";

/** Cards read at once. */
const READ_AT_ONCE = 16;

export interface Marked {
  readonly live: LivePacks;
  /** Committed and not being collected. */
  readonly kept: ReadonlySet<SnapshotId>;
  /** Which origins each snapshot that goes uses. */
  readonly going: ReadonlyMap<SnapshotId, readonly SnapshotId[]>;
  readonly closings: ReadonlyMap<SnapshotId, ClosingCard>;
  /** Snapshots whose pack lists tell of packs in use, though nothing else of theirs may be. */
  readonly listHolders: ReadonlySet<SnapshotId>;
  /** Closing cards by which a reader finds those lists. */
  readonly neededClosings: ReadonlySet<SnapshotId>;
  /** Closed runs of which the last user goes, and those through which they are found. */
  readonly served: ReadonlySet<SnapshotId>;
}

export interface MarkOptions {
  /** Snapshots that go. */
  readonly collecting: ReadonlySet<SnapshotId>;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly now: number;
  readonly grace: number;
  /** Goes on where a card cannot be read, protecting its own folder only. */
  readonly despiteDamage: boolean;
}

/**
 * Reads every card there is and marks what is in use; of a card no more is kept than that. One card that cannot be read stops it, as nobody can tell what it
 * uses: the dead are never more for something that was not understood.
 * @throws ColdkeepError `refused` for a card of a newer format, `integrity` for damaged ones; and what the store throws.
 */
export async function markLive(store: Reader, scope: NodeScope, scan: Scan, options: MarkOptions): Promise<Marked> {
  const { collecting, now, grace } = options;
  const live = new LivePacks();
  const kept = new Set<SnapshotId>();
  const going = new Map<SnapshotId, readonly SnapshotId[]>();
  const own = keepOne();
  const closings = new Map<SnapshotId, ClosingCard>();
  const damaged: string[] = [];
  const carded = [...scan.snapshots.keys()].filter((id) => hasCard(scan, id));
  const one = async (id: SnapshotId) => {
    const read = await readCard(store, scope, id);
    if (read.found === "nothing") throw vanished(names.card(scope.node, id));
    if (read.found === "malformed") {
      damaged.push(`${names.card(scope.node, id)} (${read.why})`);
      if (!collecting.has(id)) live.addWhole(id);
    } else if (!isCommitted(read.value)) {
      closings.set(id, read.value);
    } else if (collecting.has(id)) {
      going.set(
        id,
        read.value.core.origins.map(({ snapshot }) => own(snapshot)),
      );
    } else {
      kept.add(id);
      live.add(read.value.core.origins);
    }
    return true;
  };
  await eachWithin(carded, { width: READ_AT_ONCE }, one);
  if (damaged.length > 0 && !options.despiteDamage) throw cannotMark(damaged);
  const isOpen = (id: SnapshotId) => isOpenRun(scan, id) && !collecting.has(id);
  for (const id of scan.begins.keys()) if (isOpen(id)) live.addWhole(id);
  for (const id of closings.keys()) {
    const { end, abandoned } = endOf(closings, id);
    // The adopter closes a dead run before it begins itself: its begin may still be on its way.
    const young = !abandoned && !hasCard(scan, end) && (scan.snapshots.get(id)?.card?.receivedAt ?? now) > now - grace;
    // What a damaged card went on with is as unknown as what it uses.
    if (isOpen(end) || young || live.isWhole(end)) live.addWhole(id);
  }
  const needed = holdersOf(closings, live);
  return { live, kept, going, closings, served: servedOf(going, closings, live, needed.neededClosings), ...needed };
}

/** One text for all that say the same: cards of many snapshots name the same origins. */
function keepOne(): (id: SnapshotId) => SnapshotId {
  const kept = new Map<SnapshotId, SnapshotId>();
  return (id) => {
    const there = kept.get(id);
    if (there === undefined) kept.set(id, id);
    return there ?? id;
  };
}

function servedOf(
  going: Marked["going"],
  closings: Marked["closings"],
  live: LivePacks,
  needed: ReadonlySet<SnapshotId>,
): ReadonlySet<SnapshotId> {
  const last = new Set<SnapshotId>();
  for (const used of going.values()) for (const id of used) if (closings.has(id) && !live.uses(id)) last.add(id);
  return new Set([...last].flatMap((id) => closingChain(closings, id)).filter((id) => !needed.has(id)));
}

function holdersOf(closings: ReadonlyMap<SnapshotId, ClosingCard>, live: LivePacks) {
  const listHolders = new Set<SnapshotId>();
  const neededClosings = new Set<SnapshotId>();
  for (const id of closings.keys()) {
    if (!live.uses(id)) continue;
    for (const link of closingChain(closings, id)) neededClosings.add(link);
    listHolders.add(endOf(closings, id).end);
  }
  return { listHolders, neededClosings };
}

function cannotMark(damaged: readonly string[]): ColdkeepError {
  const [first] = damaged;
  const more = damaged.length === 1 ? "" : `, and ${damaged.length - 1} more`;
  return new ColdkeepError("integrity", {
    what: "nothing is deleted while a card cannot be read",
    on: `${first}${more}`,
    why: "what a snapshot uses is told by its card alone",
    todo: "Put the card back from a copy of the vault; if the snapshot is lost, run `coldkeep gc --apply --despite damage`",
  });
}

function vanished(on: string): ColdkeepError {
  return new ColdkeepError("busy", {
    what: "another run is deleting at the same time",
    on,
    why: "it was listed and is gone",
    todo: "Try again in a moment",
    retryable: true,
  });
}
