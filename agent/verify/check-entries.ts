import { ColdkeepError } from "../../vault/names/index.ts";
import type { ManifestEntry } from "../../vault/sealed/types.ts";
import type { EntrySource, PackTable } from "../open/index.ts";
import type { Damages } from "./damage.ts";

export interface EntryFigures {
  readonly files: number;
  readonly bytes: number;
  /** Pieces that are stored, each time a file uses one. */
  readonly chunks: number;
}

/**
 * Walks the whole list of files: each segment opened and compared with its id, each entry against the rules, each chunk
 * against the pack table. Names the files that lie in what is missing of packs (`short`: bytes there are).
 * @throws ColdkeepError `integrity` where the list itself is damaged or hostile.
 */
export async function checkEntryList(
  source: EntrySource,
  packs: PackTable,
  short: ReadonlyMap<string, number>,
  damages: Damages,
): Promise<EntryFigures> {
  const figures = { files: 0, bytes: 0, chunks: 0 };
  const linked = new Set<string>();
  for await (const entries of source.segments()) {
    for (const entry of entries) {
      if (entry.type === "hardlink" && entry.target !== undefined) linked.add(latin1(entry.target));
      if (entry.type !== "file") continue;
      if (entry.from === undefined) {
        figures.files += 1;
        figures.bytes += entry.size;
      }
      for (const piece of entry.pieces) {
        if ("hole" in piece) continue;
        figures.chunks += 1;
        const { object } = packs.find(piece);
        if (piece.offset + piece.stored > (short.get(object) ?? Number.POSITIVE_INFINITY)) {
          damages.addFile(object, latin1(entry.path));
        }
      }
    }
  }
  if (linked.size > 0) await assertFiles(source, linked);
  return figures;
}

/** A hardlink's target must be a file of the snapshot; that it comes earlier, vault/sealed has checked. */
async function assertFiles(source: EntrySource, linked: Set<string>): Promise<void> {
  for await (const entries of source.segments()) {
    for (const entry of entries) if (entry.type === "file") linked.delete(latin1(entry.path));
  }
  const [first] = linked;
  if (first === undefined) return;
  throw new ColdkeepError("integrity", {
    what: "the snapshot's list of files cannot be trusted",
    on: JSON.stringify(Buffer.from(first, "latin1").toString("utf8")),
    why: "a hardlink leads there, and it is no file of the snapshot",
    todo: "use another snapshot",
  });
}

function latin1(path: ManifestEntry["path"]): string {
  return Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString("latin1");
}
