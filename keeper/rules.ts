/** Constants of the protocol (docs/FORMAT.md, section 6); milliseconds where they are times. */
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** L: how long a run with a parent may take, from its begin's receipt to its card's. */
export const RUN_WITH_PARENT = 3 * DAY;
/**
 * A parent may have expired so long before the run on top of it began: head.json, by which the host chose it, may be
 * older than its marker. What is left of the shortest grace is longer than such a run.
 */
export const EXPIRED_BEFORE = DAY;
/** An id may be this much later than the receipt of its begin … */
export const ID_AHEAD = HOUR;
/** … or this much earlier, before it is odd. */
export const ID_BEHIND = 7 * DAY;
/** No pin of a restore holds longer than this after its receipt. */
export const MAX_PIN = 7 * DAY;
/** Entries that index.json holds itself; older ones lie in the file of their month. */
export const INDEX_NEWEST = 500;
/** Snapshots by writer that head.json tells of. */
export const HEAD_RECENT = 16;
/** Up to this many new packs are looked at one by one; more are listed. */
export const HEAD_LIMIT = 20_000;
/** Where nothing hangs on it but time, packs are listed from so many on. */
export const LIST_FROM = 64;
/**
 * A copy that arrives so soon after its snapshot's own time is not asked for the receipts of where it came from: those
 * here are as near to it as clocks are to each other.
 */
export const SAME_TIME = 60_000;

/** Dead runs that took over one another before one committed; also ends a walk in a circle. */
export const MAX_ADOPTIONS = 256;

/** The most that is read of each kind of public object. Bytes. */
export const MAX_BYTES = {
  vault: 64 << 10,
  card: 8 << 20,
  begin: 64 << 10,
  node: 64 << 10,
  key: 64 << 10,
  packList: 4 << 20,
  index: 64 << 20,
  marker: 64 << 10,
  plan: 32 << 20,
} as const;
