/** What a backup may take of the host and its link once the node runs again; absent: all there is. */
export interface PaceSettings {
  /** Cores, or a share of the machine's from 0 to 1. */
  readonly cpu?: { readonly cores: number } | { readonly share: number };
  /** Bytes a second. */
  readonly read?: number;
  /** Bytes a second, of all vaults together. */
  readonly upload?: number;
}
