import { encodeMark, type Mark, parseMark } from "../vault/card/index.ts";
import { ColdkeepError, type NodeName, names, type SnapshotId, type VaultId } from "../vault/names/index.ts";
import type { Creator, Reader } from "../vault/store/facets.ts";
import { createRecord } from "./create.ts";
import { contended } from "./index-files.ts";
import { isGoing } from "./markers.ts";
import { assertMayChange } from "./may-change.ts";
import { type NodeScope, readCommitted, readNode, readObject } from "./read.ts";
import { lastRound } from "./rounds.ts";
import { MAX_BYTES } from "./rules.ts";

/** What an operator said of a snapshot, or null where nothing was said. `unreadable` counts as a pin: it may be one. */
export type FoundMark = Mark | { readonly unreadable: string; readonly round: number } | null;

/** No snapshot is marked this often; the bound ends a walk over planted marks. */
const MAX_MARKS = 1000;
const ATTEMPTS = 16;

/** The mark that holds. */
export async function readMark(store: Reader, scope: NodeScope, id: SnapshotId): Promise<FoundMark> {
  const { round } = await lastRound(store, (n) => names.mark(scope.node, id, n), MAX_MARKS);
  return round === 0 ? null : readMarkOf(store, scope, id, round);
}

export async function readMarkOf(store: Reader, scope: NodeScope, id: SnapshotId, round: number): Promise<FoundMark> {
  const name = names.mark(scope.node, id, round);
  const expected = { vault: scope.vault, node: scope.node, snapshot: id, round };
  const read = await readObject(store, name, MAX_BYTES.marker, (bytes) => parseMark(bytes, expected, name));
  if (read.found === "it") return read.value;
  return { unreadable: `${name}: ${read.found === "nothing" ? "it is not there" : read.why}`, round };
}

export function isPinned(mark: FoundMark): boolean {
  return mark !== null && ("unreadable" in mark || mark.pinned);
}

/** True where it is to go, whatever tiers say. */
export function isForgotten(mark: FoundMark): boolean {
  return mark !== null && !("unreadable" in mark) && mark.forgotten === true && !mark.pinned;
}

export interface MarkOptions {
  readonly store: Reader & Creator;
  readonly vault?: VaultId;
  readonly node: NodeName;
  readonly snapshot: SnapshotId;
  readonly change: (before: MarkState) => MarkState;
}

/**
 * Pins, unpins or tags a snapshot: puts a further mark beside its card, which itself never changes. Null where the
 * change changes nothing.
 * @throws ColdkeepError `not-found` where there is no such snapshot, `refused` for a pin that comes too late: it is being
 * deleted; `busy` where others were faster each time.
 */
export async function markSnapshot(options: MarkOptions): Promise<Mark | null> {
  const { store, snapshot } = options;
  await assertMayChange(store);
  const node = await readNode(store, options.node, options.vault);
  const scope: NodeScope = { vault: node.vault, node: node.node };
  const card = await readCommitted(store, scope, snapshot);
  if (card === null) {
    throw new ColdkeepError("not-found", {
      what: "there is no such snapshot",
      on: snapshot,
      why: `${names.card(scope.node, snapshot)} is missing or no card`,
      todo: "`coldkeep list` shows all",
    });
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const there = await readMark(store, scope, snapshot);
    const readable = there === null || "unreadable" in there ? null : there;
    const before = readable ?? { pinned: isPinned(there), tags: card.core.tags };
    const after = options.change(before);
    if (there === readable && sameMark(before, after)) return null;
    const isNewPin = after.pinned && !before.pinned;
    if (isNewPin && (await isGoing(store, scope, snapshot))) throw tooLate(scope, snapshot);
    const mark = await putMark(store, scope, snapshot, (there?.round ?? 0) + 1, after);
    if (mark === null) continue;
    // Whoever decides from now on that it goes looks for marks afterwards; who decided before may not have seen this one.
    if (!isNewPin || !(await isGoing(store, scope, snapshot))) return mark;
    await putMark(store, scope, snapshot, mark.round + 1, before);
    throw tooLate(scope, snapshot);
  }
  throw contended(names.mark(scope.node, snapshot, 1));
}

/** Null where another mark of that round is there. */
async function putMark(
  store: Creator,
  scope: NodeScope,
  snapshot: SnapshotId,
  round: number,
  { pinned, reason, tags, forgotten }: MarkState,
): Promise<Mark | null> {
  const said = {
    ...{ pinned, tags },
    ...(reason === undefined ? {} : { reason }),
    ...(forgotten === undefined ? {} : { forgotten }),
  };
  const mark: Mark = { format: 1, ...scope, snapshot, round, ...said };
  const { created } = await createRecord(store, names.mark(scope.node, snapshot, round), encodeMark(mark));
  return created ? mark : null;
}

function tooLate({ node }: NodeScope, id: SnapshotId): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "it is too late to pin this snapshot",
    on: names.card(node, id),
    why: "its grace is over, and it is being deleted",
    todo: "choose another; `coldkeep list` shows them",
  });
}

/** What a mark says. */
export type MarkState = Pick<Mark, "pinned" | "reason" | "tags" | "forgotten">;

function sameMark(a: MarkState, b: MarkState): boolean {
  return (
    a.pinned === b.pinned &&
    a.forgotten === b.forgotten &&
    a.reason === b.reason &&
    a.tags.join("\n") === b.tags.join("\n")
  );
}
