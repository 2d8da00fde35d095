/** The major version of the vault format this code writes, and the newest it reads (docs/FORMAT.md). */
export const FORMAT = 1;
