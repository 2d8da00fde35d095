import type { SuiteName } from "../../vault/card/types.ts";
import {
  ColdkeepError,
  fromBase64url,
  type NodeName,
  names,
  type SnapshotId,
  type VaultId,
} from "../../vault/names/index.ts";
import { openKeyFile, parseKeyFile } from "../../vault/sealed/index.ts";
import type { SnapshotKeys } from "../../vault/sealed/types.ts";
import type { Historian, Reader, StoredObject } from "../../vault/store/facets.ts";
import { isUnusable, MAX_KEY_FILE, openOlder } from "./older-key-files.ts";
import type { KeyRing, OpenOptions } from "./types.ts";

export interface KeyFileRequest {
  readonly vault: VaultId;
  readonly node: NodeName;
  readonly snapshot: SnapshotId;
  readonly suite: SuiteName;
  /** base64url of the key("commit") the card or the manifest promises. */
  readonly commit: string;
}

export interface OpenedKeyFile {
  readonly keys: SnapshotKeys;
  /** False where whoever can write to the vault could have wrapped this key: an age or RSA recipient proves no sender. */
  readonly provesSender: boolean;
  /** Names the key that opened it. */
  readonly openedBy: string;
  /** What was tried in vain before, and slots that were passed over. */
  readonly notes: readonly string[];
}

/**
 * Opens one snapshot's key.json. Its own MAC being wrong is only warned of: the commitment already proves the key
 * (FORMAT.md ruling 2). Where it cannot be used, an older version stands in for it, if the caller wants that (ruling 3).
 * @throws ColdkeepError `key` where none of the identities opens it; `integrity` where it is missing, damaged, another's.
 */
export async function openKeys(
  store: Reader & Historian,
  request: KeyFileRequest,
  o: Pick<OpenOptions, "identities" | "progress" | "olderVersions">,
): Promise<OpenedKeyFile> {
  const { node, snapshot } = request;
  const name = names.keyJson(node, snapshot);
  let newest: StoredObject | null = null;
  try {
    newest = await store.get(name, { maxBytes: MAX_KEY_FILE });
    if (newest === null) throw missing(name, snapshot);
    const { macOk, ...opened } = await openOne(newest.bytes, request, o.identities);
    if (!macOk) {
      o.progress.warn(
        `${name} was changed by somebody who does not hold the key; the key itself is proven and is used`,
      );
    }
    return opened;
  } catch (error) {
    if (o.olderVersions !== true || store.history === undefined || !isUnusable(error)) throw error;
    const open = (bytes: Uint8Array) => openOne(bytes, request, o.identities);
    return await openOlder({ name, newest, history: store.history, open, progress: o.progress }, error);
  }
}

async function openOne(bytes: Uint8Array, request: KeyFileRequest, identities: OpenOptions["identities"]) {
  const { vault, node, snapshot, suite } = request;
  const commit = fromBase64url(request.commit, 32);
  if (commit === null) throw new ColdkeepError("integrity", { what: "a key commitment is malformed", on: snapshot });
  const opened = await openKeyFile({ bytes, scope: { vault, node, snapshot, suite }, identities, commit });
  opened.sk.fill(0);
  const slot = parseKeyFile(bytes).slots.find(({ id }) => id === opened.slot);
  const { keys, by: openedBy, notes, macOk } = opened;
  const provesSender = slot !== undefined && slot.type !== "age" && slot.type !== "rsa";
  return { keys, openedBy, notes, provesSender, macOk };
}

function missing(name: string, snapshot: SnapshotId): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "the key file is missing from the vault",
    on: name,
    why: `without it nothing that ${snapshot} stored can be opened`,
    todo: "bring it back from another copy of the vault or an older version of the object; else use another snapshot",
  });
}

/** Opens each origin's key.json once, on first need. */
export function makeKeyRing(
  own: SnapshotKeys,
  find: (origin: SnapshotId) => KeyFileRequest,
  open: (request: KeyFileRequest) => Promise<SnapshotKeys>,
): KeyRing {
  const opened = new Map<SnapshotId, Promise<SnapshotKeys>>([[own.scope.snapshot, Promise.resolve(own)]]);
  const keysOf = (origin: SnapshotId) => {
    let keys = opened.get(origin);
    if (keys === undefined) {
      keys = open(find(origin));
      opened.set(origin, keys);
    }
    return keys;
  };
  const packKey = async (origin: SnapshotId) => {
    const { scope, pack } = await keysOf(origin);
    return { scope, key: pack };
  };
  return { keysOf, packKey };
}
