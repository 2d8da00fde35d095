import { join } from "node:path";
import { encodeCard, encodePackList, signCard } from "../../vault/card/index.ts";
import type { Card, CardCore, PackListRef, PackListRow } from "../../vault/card/types.ts";
import { ColdkeepError, FORMAT, isColdkeepError, messageOf, names, toBase64url } from "../../vault/names/index.ts";
import { cardMac } from "../../vault/sealed/card-mac.ts";
import { assertCardCovers, cardOrigins, sealManifest } from "../../vault/sealed/manifest.ts";
import type { Manifest } from "../../vault/sealed/types.ts";
import { type Creator, type HashedBytes, hashed } from "../../vault/store/index.ts";
import type { FrozenTree } from "../freeze/types.ts";
import { writePrivateFile } from "../state/index.ts";
import type { ChunkTable } from "./chunk-table.ts";
import { MAX_LIST_ROWS } from "./limits.ts";
import type { OpenRun } from "./open-run.ts";
import { foreignObject, putNew } from "./put.ts";
import { RUN_FILES } from "./run-files.ts";
import type { ScanFigures } from "./scan.ts";
import type { StoredSegment } from "./segments.ts";
import type { BackupOptions } from "./types.ts";
import type { Uploader } from "./uploader.ts";
import type { UsedTables } from "./used-tables.ts";

export interface CommitOptions {
  readonly options: BackupOptions;
  readonly run: OpenRun;
  readonly tree: FrozenTree;
  readonly scanned: ScanFigures;
  readonly segments: readonly StoredSegment[];
  readonly table: ChunkTable;
  readonly tables: UsedTables;
  readonly uploader: Uploader;
}

/** The manifest's root: what the snapshot holds, and how to open it. */
function makeManifest({ options: o, run, tree, scanned, segments, table, tables }: CommitOptions): Manifest {
  return {
    format: FORMAT,
    vault: o.vault,
    node: o.node,
    snapshot: run.id,
    suite: o.suite,
    captured: tree.capturedAt,
    profile: o.profile.name,
    ...(tree.heights === null ? {} : { heights: tree.heights }),
    tags: o.tags,
    roots: tree.roots.map(({ name, path }) => ({ name, path })),
    chunk_key: toBase64url(o.chunkKey),
    origins: tables.origins,
    packs: tables.packs.map(({ origin, index, size, salt, commit, secret }) => ({
      origin,
      index,
      size,
      salt,
      commit,
      ...(secret ? { secret: true as const } : {}),
    })),
    segments: segments.map(({ row, entries }) => {
      const { origin, ...place } = table.place(row);
      const snapshot = tables.origins[tables.originMap[origin] ?? -1]?.snapshot;
      if (snapshot === undefined) throw new RangeError(`a segment's origin ${origin} is not in use`);
      return { ...place, origin: snapshot, id: toBase64url(table.id(row)), entries };
    }),
    totals: {
      files: scanned.files,
      bytes: scanned.bytes,
      entries: segments.reduce((all, { entries }) => all + entries, 0),
    },
    omitted: tree.omitted,
  };
}

/** PROTOCOL "BACKUP" 5: pack lists, then the manifest. Returns the core of the card, which needs both. */
export async function putLists(c: CommitOptions): Promise<CardCore> {
  const { options: o, run, tree, scanned, tables, uploader } = c;
  const manifest = makeManifest(c);
  const rows = newRows(tables);
  const lists: PackListRef[] = [];
  for (let from = 0; from < rows.length; from += MAX_LIST_ROWS) {
    const name = names.packListName(lists.length);
    const part = rows.slice(from, from + MAX_LIST_ROWS);
    const list = { format: FORMAT, vault: o.vault, node: o.node, snapshot: run.id, rows: part } as const;
    lists.push({ name, ...(await uploader.object(name, encodePackList(list))) });
  }
  const sum = await uploader.object(names.MANIFEST_NAME, sealManifest(manifest, run.keys).bytes);
  const core: CardCore = {
    format: FORMAT,
    state: "committed",
    vault: o.vault,
    node: o.node,
    snapshot: run.id,
    suite: o.suite,
    commit: toBase64url(run.keys.commit),
    seq: run.head.seq,
    ...(run.parent === null ? {} : { parent: run.parent.head.snapshot }),
    started: run.started,
    captured: tree.capturedAt,
    ...(tree.figures.downtimeMs === null ? {} : { downtime_ms: Math.max(0, Math.round(tree.figures.downtimeMs)) }),
    profile: o.profile.name,
    ...(tree.heights === null ? {} : { heights: tree.heights }),
    tags: o.tags,
    ...(o.group === undefined ? {} : { group: o.group }),
    bytes: {
      total: scanned.bytes,
      added: scanned.added,
      stored: rows.reduce((all, row) => all + row.size, 0),
      files: scanned.files,
    },
    manifest: sum,
    pack_lists: lists,
    origins: cardOrigins(manifest),
  };
  assertCardCovers(core, manifest);
  return core;
}

/**
 * PROTOCOL "BACKUP" 6: the card is on disk before it is put; once it is in the vault the snapshot exists.
 * @throws ColdkeepError `outcome-unknown` where the vault could not say whether it took the card.
 */
export async function putCard({ options: o, run }: CommitOptions, core: CardCore): Promise<Card> {
  const card = signCard(core, cardMac(core, run.keys), o.signingKey);
  const bytes = encodeCard(card);
  const name = names.card(o.node, run.id);
  writePrivateFile(join(run.folder, RUN_FILES.card), bytes);
  const body = hashed(bytes);
  await o.vaults.each(({ store }) => putCardIn(store, name, body));
  return card;
}

async function putCardIn(store: Creator, name: string, body: HashedBytes): Promise<void> {
  try {
    // Not to be cut off: once the card is on its way, only its fate is of interest.
    if ((await putNew(store, name, body, {})).put) return;
  } catch (error) {
    // An abort ends the waiting for a vault that did not answer: what it did with the card is not known then either.
    if (isColdkeepError(error) ? !error.retryable : !isAbort(error)) throw error;
    throw new ColdkeepError("outcome-unknown", {
      what: "the vault did not say whether it took the card",
      on: name,
      why: messageOf(error),
      todo: "`coldkeep list` shows the snapshot if it did; if not, the next backup takes over all that was put",
      cause: error,
    });
  }
  throw foreignObject(name);
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** Packs no earlier card vouches for: this run's own, and those of adopted runs that it uses. */
function newRows({ packs, origins }: UsedTables): PackListRow[] {
  return packs.flatMap(({ origin, index, size, sha256 }) => {
    const snapshot = origins[origin]?.snapshot;
    return sha256 === null || snapshot === undefined ? [] : [{ origin: snapshot, index, size, sha256 }];
  });
}
