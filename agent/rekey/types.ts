import type { NodeName, Progress, SnapshotId, VaultId } from "../../vault/names/index.ts";
import type { Identity, LabelledRecipient, Slot, SnapshotScope } from "../../vault/sealed/types.ts";
import type { Lister, Reader, Replacer } from "../../vault/store/facets.ts";

/** What is to become of the slots of every key.json of a node. */
export interface KeyChange {
  /** Get a slot where they have none. From the configuration or the command line, never from the vault. */
  readonly add: readonly LabelledRecipient[];
  /** Whether a slot goes. Slots of recipients in `add` stay whatever it says. */
  readonly removes: (slot: Slot, scope: SnapshotScope) => Promise<boolean>;
}

export interface RekeyOptions {
  readonly store: Reader & Replacer & Lister;
  readonly vault?: VaultId;
  readonly node: NodeName;
  readonly change: KeyChange;
  /** What opens key files as they are. */
  readonly identities: readonly Identity[];
  /** What must open each new key file before it replaces an old one: identities that are not removed. */
  readonly proof: readonly Identity[];
  /** The key that must have signed the cards; without it the key that claimed the node's name counts. */
  readonly pinnedKey?: string;
  /** A private folder of this host, where an old key file is kept until the new one has been read back. */
  readonly keepFolder: string;
  /** Milliseconds since the epoch, recorded in new slots. */
  readonly now: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** What became of one key.json. */
export interface RekeyOutcome {
  readonly snapshot: SnapshotId;
  readonly outcome: "rewritten" | "as it was" | "failed";
  /** `<type> <kid>` of slots. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Slots that stay and are of none of the keys that were to be added. */
  readonly others: readonly string[];
  readonly generation?: number;
  /** Why it failed. */
  readonly why?: string;
}
