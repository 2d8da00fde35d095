import type { Stretch } from "../../vault/sealed/index.ts";
import type { Identity, LabelledRecipient, SnapshotScope } from "../../vault/sealed/types.ts";
import type { KeySetting, KeySource } from "./types.ts";

/** What reading a key takes beside the setting. */
export interface LoadContext {
  readonly suite: SnapshotScope["suite"];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Asks for a passphrase, unseen; null where nobody can be asked. */
  readonly askSecret: ((question: string) => Promise<string>) | null;
}

/** A key that was read and is ready for use. */
export interface LoadedKey {
  readonly setting: KeySetting;
  /** Names it in messages; tells nothing of the key. */
  readonly label: string;
  /** The bytes of a software key, for those who judge its strength. */
  readonly software?: KeySource;
  /** The hash that OAEP wraps by, of an RSA key in PEM. */
  readonly oaepHash?: "sha256" | "sha1";
  /** Worth a warning: what is allowed but unwise. */
  readonly notes?: readonly string[];
  /** What wraps snapshot keys. `stretch` gives the public parameters of a software key, by its label. */
  toRecipient(stretch: (label: string) => Stretch): LabelledRecipient;
  /** What opens its slots; null for the public half of a pair. */
  readonly identity: Identity | null;
  /** Overwrites its bytes, but for those of recipients that were made, which forget by themselves. */
  forget?(): void;
}
