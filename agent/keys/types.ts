/** Where a key came from. */
export type KeyKind = "string" | "hex" | "file";

/** A key as the configuration names it, read and checked. */
export interface KeySource {
  readonly kind: KeyKind;
  /** The secret: 16, 24 or 32 bytes. */
  readonly bytes: Uint8Array;
  /** Names the source without telling anything of the key: "string", "hex" or the file's path. */
  readonly label: string;
}
