import type { KeySetting } from "../keys/types.ts";

/** What may be said about a key beside its text. */
export interface KeyOptions {
  /** What the user calls the place it is written in. */
  readonly field: string;
  readonly consume?: boolean;
  /** As ChainMaker reads it; see `SoftwareSetting`. */
  readonly looseHex?: boolean;
}

/** Sorts a key by how its text begins; everything that begins like no other kind is a software key. */
export function keySetting(text: string, o: KeyOptions): KeySetting {
  const { field, consume = false, looseHex = false } = o;
  return { kind: "software", field, text, consume, looseHex };
}

/** Whether whoever reads the file that this is written in has the key. */
export function isSecretText(setting: KeySetting): boolean {
  return !setting.text.startsWith("/");
}
