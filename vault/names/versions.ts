/** The major version of the vault format this code writes, and the newest it reads (docs/FORMAT.md). */
export const FORMAT = 1;

/** The version of coldkeep this is; package.json's, as a test holds. */
export const VERSION = "0.1.0";
