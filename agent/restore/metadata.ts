import type { ManifestEntry } from "../../vault/sealed/types.ts";
import type { Metadata } from "./jobs.ts";

/** setuid and setgid: they lend somebody's rights to whoever runs the file. */
const LENDS_RIGHTS = 0o6000;

export interface MetadataPolicy {
  /** Whether owners can be set: root, or CAP_CHOWN and CAP_FOWNER. */
  readonly owners: boolean;
  /** Restore setuid, setgid and `security.*` too (FORMAT.md ruling 20). */
  readonly special: boolean;
}

/** What of an entry's metadata will be restored. */
export function metadataOf(entry: ManifestEntry, policy: MetadataPolicy): Metadata {
  const xattrs = (entry.xattrs ?? []).filter(({ name }) => policy.special || !name.startsWith("security."));
  return {
    mode: policy.special ? entry.mode : entry.mode & ~LENDS_RIGHTS,
    owner: policy.owners ? { uid: entry.uid, gid: entry.gid } : null,
    mtime: entry.mtime,
    xattrs,
  };
}

/** True where the policy leaves something of the entry out. */
export function isReduced(entry: ManifestEntry, policy: MetadataPolicy): boolean {
  if (policy.special) return false;
  return (entry.mode & LENDS_RIGHTS) !== 0 || (entry.xattrs ?? []).some(({ name }) => name.startsWith("security."));
}
