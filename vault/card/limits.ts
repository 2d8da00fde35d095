/** Origins a snapshot may use; a restore opens each one's key.json. */
export const MAX_ORIGINS = 256;
/** Packs of one origin: five digits in the name. */
export const MAX_PACKS = 100_000;
/** Rows of one pack list. */
export const MAX_PACK_LIST_ROWS = 10_000;
/** Pack lists of one snapshot: four digits in the name. */
export const MAX_PACK_LISTS = 10_000;
