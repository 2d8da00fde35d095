import { ColdkeepError, isColdkeepError, type Progress } from "../../vault/names/index.ts";
import { isMacOk, parseKeyFile } from "../../vault/sealed/index.ts";
import type { KeyFile, SnapshotKeys } from "../../vault/sealed/types.ts";
import type { History, KeptVersion, StoredObject } from "../../vault/store/facets.ts";

export const MAX_KEY_FILE = 64 << 10;
/** Whoever can put versions can put many; no more of one key file are looked at. */
const MOST = 1000;

export interface OlderRequest<T> {
  readonly name: string;
  /** The version that cannot be used; null where there is none, or none that can be read. */
  readonly newest: StoredObject | null;
  readonly history: History;
  /** Opens one version and proves it by the snapshot's commitment. */
  readonly open: (bytes: Uint8Array) => Promise<T>;
  readonly progress: Progress;
}

/**
 * Opens the newest of the older versions of a key file that proves itself. Where that one shows that the newest version
 * is genuine, somebody who held the key took ours away: that is kept to.
 * @param failure What is wrong with the newest version; thrown where no older one stands in.
 * @throws ColdkeepError
 */
export async function openOlder<T extends { readonly keys: SnapshotKeys }>(
  { name, newest, history, open, progress }: OlderRequest<T>,
  failure: ColdkeepError,
): Promise<T> {
  const versions = await history.versions(name, MOST).catch((error: unknown) => {
    if (!isColdkeepError(error, "permission")) throw error;
    progress.warn(error.message);
    return [];
  });
  for (const found of versions) {
    if (found.version === newest?.info.version) continue;
    const opened = await openVersion(found);
    if (opened === null) continue;
    if (newest !== null && isGenuine(newest.bytes, opened.keys)) throw removed(failure, found);
    progress.warn(
      `the newest version of ${name} cannot be used (${failure.what}); an older one does open, and is proven: ${told(found)}. ` +
        "Find out who changed it, and bring that version back",
    );
    return opened;
  }
  throw failure;

  async function openVersion({ version }: KeptVersion): Promise<T | null> {
    try {
      const object = await history.get(name, version, { maxBytes: MAX_KEY_FILE });
      return object === null ? null : await open(object.bytes);
    } catch (error) {
      if (isUnusable(error)) return null;
      throw error;
    }
  }
}

/** Damage, or a key that fits no slot; not one that is out of reach just now. */
export function isUnusable(error: unknown): error is ColdkeepError {
  return isColdkeepError(error) && (error.kind === "integrity" || error.kind === "key") && !error.retryable;
}

function isGenuine(bytes: Uint8Array, keys: SnapshotKeys): boolean {
  let file: KeyFile;
  try {
    file = parseKeyFile(bytes);
  } catch {
    return false;
  }
  return isMacOk(file, keys);
}

function removed(failure: ColdkeepError, older: KeptVersion): ColdkeepError {
  const { what, on, why, cause } = failure;
  return new ColdkeepError("key", {
    what,
    ...(on === undefined ? {} : { on }),
    why: `${why ?? ""}\nAn older version, ${told(older)}, does open: this key was taken away since`.trim(),
    todo: "Give a key that the snapshot has now. If taking this one away was a mistake, bring that version back",
    cause: cause ?? failure,
  });
}

function told({ version, receivedAt }: KeptVersion): string {
  return `version ${version}, received ${new Date(receivedAt).toISOString()}`;
}
