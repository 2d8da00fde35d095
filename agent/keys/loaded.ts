import type { Stretch } from "../../vault/sealed/index.ts";
import type { Identity, Recipient, SnapshotScope } from "../../vault/sealed/types.ts";
import type { KeySetting, KeySource } from "./types.ts";

/** What reading a key takes beside the setting. */
export interface LoadContext {
  readonly suite: SnapshotScope["suite"];
}

/** A key that was read and is ready for use. */
export interface LoadedKey {
  readonly setting: KeySetting;
  /** Names it in messages; tells nothing of the key. */
  readonly label: string;
  /** The bytes of a software key, for those who judge its strength. */
  readonly software?: KeySource;
  /** What wraps snapshot keys. `stretch` gives the public parameters of a software key, by its label. */
  toRecipient(stretch: (label: string) => Stretch): Recipient;
  /** What opens its slots. */
  readonly identity: Identity;
}
