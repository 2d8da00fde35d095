// Where things lie in the module's memory. All of it is static: nothing is ever allocated.

/** Bytes that one batch of counters makes: 128 blocks. */
export const BATCH: usize = 2048;
/** Bytes of text that lie in the module at a time: 32 batches. */
export const ROOM: i32 = 65536;

/** The text, sealed and opened in place. */
export const TEXT = memory.data(ROOM, 16);
/** In: key (16 bytes), nonce (12), block of associated data (16). */
export const INPUT = memory.data(16, 16);
/** Out: tag or block. */
export const OUTPUT = memory.data(16, 16);

/** The SM4 state: four words of 32 planes; bit `n` of plane `p` is bit `p` of the word in block `n` of the batch. */
export const STATE = memory.data(2048, 16);
/** The 32 planes that the S-boxes of one round gave. */
export const SUBSTITUTED = memory.data(512, 16);
/** Round keys, a mask of 32 bits (all or none) for each bit. */
export const ROUND_KEYS = memory.data(4096, 16);

/** Keystream of a batch: for each group of 16 blocks 16 vectors, the i-th of which holds byte `i` of the blocks. */
export const KEYSTREAM = memory.data(2048, 16);
/** A group of 16 blocks on the way from blocks to bytes or back. */
export const GROUP = memory.data(256, 16);
export const SCRATCH = memory.data(256, 16);

/** 16 GHASH sums that go on beside each other, vector `i` holding byte `i` of each. */
export const SUMS = memory.data(256, 16);
/** High, then low nibbles of the sums. */
export const NIBBLES = memory.data(512, 16);
/** A product before reduction: 32 vectors. */
export const PRODUCT = memory.data(512, 16);
/** Vectors of a table of products: bytes 0 to 16, and zeros around them that spare the loops their edges. */
export const TABLE_ROWS: usize = 23;
/** The first row that is not padding. */
export const FIRST_ROW: usize = 3;
/** Tables of the products of all nibbles with H and with H^16: high nibbles, then low ones. */
export const TABLE_H = memory.data(736, 16);
export const TABLE_H16 = memory.data(736, 16);
