import type { CardCore } from "../../vault/card/index.ts";
import { isSnapshotId, type NodeName, names, type SnapshotId } from "../../vault/names/index.ts";
import type { Lister, ObjectInfo, Reader } from "../../vault/store/facets.ts";
import { packIndex } from "../packs-present.ts";
import { indexesOf } from "../ranges.ts";

/** What was seen of an object's lock. */
export interface FirstToEnd {
  readonly object: string;
  /** Milliseconds since the epoch; 0 for one that is not locked. */
  readonly until: number;
}

export interface WatchedLocks<Store> {
  /** The same store; the locks of what is looked at are noted on the way. */
  readonly store: Store;
  /** Of all that a snapshot needs, as far as it was looked at, the object whose lock ends first. */
  firstToEnd(core: CardCore): FirstToEnd | null;
  /** A snapshot's own card, begin, manifest and pack lists are not asked about again; keys and packs may be. */
  forget(core: CardCore): void;
}

/** Notes locks while something else is looked for: S3 tells of them in the same answer. */
export function watchLocks<Store extends Reader & Lister>(store: Store, node: NodeName): WatchedLocks<Store> {
  const seen = new Map<string, number>();
  /** Of packs by their number: there may be a million. */
  const packs = new Map<SnapshotId, number[]>();
  const dataRoot = names.dataRoot(node);

  const note = (name: string, info: ObjectInfo | undefined) => {
    if (info === undefined) return;
    const until = info.lockedUntil ?? 0;
    const [id = "", short = ""] = name.startsWith(dataRoot) ? name.slice(dataRoot.length).split("/") : [];
    const index = packIndex(short);
    if (index === null || !isSnapshotId(id)) seen.set(name, until);
    else {
      const ofOrigin = packs.get(id) ?? [];
      packs.set(id, ofOrigin);
      ofOrigin[index] = until;
    }
  };
  return {
    store: {
      ...store,
      head: async (name) => {
        const info = await store.head(name);
        note(name, info ?? undefined);
        return info;
      },
      get: async (name, options) => {
        const object = await store.get(name, options);
        note(name, object?.info);
        return object;
      },
    },
    firstToEnd: (core) => {
      let first: FirstToEnd | null = null;
      const take = (until: number | undefined, object: () => string) => {
        if (until !== undefined && (first === null || until < first.until)) first = { object: object(), until };
      };
      for (const name of ownOf(core)) take(seen.get(name), () => name);
      for (const { snapshot, ranges } of core.origins) {
        const key = names.keyJson(node, snapshot);
        take(seen.get(key), () => key);
        const ofOrigin = packs.get(snapshot);
        if (ofOrigin === undefined) continue;
        for (const index of indexesOf(ranges)) take(ofOrigin[index], () => names.pack(node, snapshot, index));
      }
      return first;
    },
    forget: (core) => {
      for (const name of ownOf(core)) seen.delete(name);
    },
  };
}

function* ownOf({ node, snapshot, pack_lists }: CardCore): Generator<string> {
  yield* [names.card(node, snapshot), names.begin(node, snapshot), names.manifest(node, snapshot)];
  for (const at of pack_lists.keys()) yield names.packList(node, snapshot, at);
}
