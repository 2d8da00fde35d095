import { parseFate } from "../../vault/card/index.ts";
import { ColdkeepError, names, type SnapshotId } from "../../vault/names/index.ts";
import type { Reader } from "../../vault/store/facets.ts";
import { type NodeScope, readObject } from "../read.ts";
import { MAX_BYTES } from "../rules.ts";
import type { SnapshotFiles } from "./scan.ts";

/** Where a snapshot is on its way from good to gone. */
export type Grace =
  | { readonly state: "live"; readonly round: number }
  /** Since the receipt of its marker. */
  | { readonly state: "expired"; readonly round: number; readonly since: number }
  /** Nobody can rescue it any more. */
  | { readonly state: "collecting"; readonly round: number; readonly since: number };

/**
 * The state of a snapshot by its markers and fates; the last round counts.
 * @throws ColdkeepError `integrity` for a fate that cannot be read: it frees nothing, so whoever asks must stop.
 */
export async function graceOf(store: Reader, scope: NodeScope, id: SnapshotId, files: SnapshotFiles): Promise<Grace> {
  const round = Math.max(0, ...files.expired.keys(), ...files.fates.keys());
  if (round === 0) return { state: "live", round };
  const since = files.expired.get(round)?.receivedAt ?? Number.POSITIVE_INFINITY;
  const fate = files.fates.has(round) ? await readFate(store, scope, id, round) : null;
  if (fate === "rescued") return { state: "live", round };
  return { state: fate === "collect" ? "collecting" : "expired", round, since };
}

/** The fate of a round, or null where it has none yet. */
export async function readFate(
  store: Reader,
  scope: NodeScope,
  id: SnapshotId,
  round: number,
): Promise<"collect" | "rescued" | null> {
  const name = names.fate(scope.node, id, round);
  const expected = { vault: scope.vault, node: scope.node, snapshot: id, round };
  const read = await readObject(store, name, MAX_BYTES.marker, (bytes) => parseFate(bytes, expected, name));
  if (read.found === "nothing") return null;
  if (read.found === "it") return read.value.fate;
  throw new ColdkeepError("integrity", {
    what: "cannot tell a snapshot's fate",
    on: name,
    why: read.why,
    todo: "Put the file back from a copy of the vault, or remove it: then the snapshot is expired and no more",
  });
}
