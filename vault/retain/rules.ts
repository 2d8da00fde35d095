/** Constants of retention (docs/FORMAT.md, "Retention"); milliseconds where they are times. */
const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** G, between expiry and deletion, where nothing else is said. */
export const DEFAULT_GRACE = 7 * DAY;
/** A run on top of a parent takes at most 3 days; what it reuses must outlive it, with 2 days for clocks and repeats. */
export const MIN_GRACE = 5 * DAY;
/** Nothing younger expires, where nothing else is said: whoever can only add snapshots pushes no fresh one out. */
export const DEFAULT_FLOOR = 7 * DAY;
/** How long broken and damaged snapshots are shown. */
export const BROKEN_KEPT = 30 * DAY;
/** The brake: by how much the good snapshots may become fewer or smaller … */
export const BRAKE_SHARE = 0.3;
/** … within this time; also how far the store's clock may be ahead of the newest snapshot. */
export const BRAKE_WINDOW = 7 * DAY;
/** More than so many times the planned snapshots in 24 hours stop expiry. */
export const RATE_LIMIT = 3;
/** A newest snapshot smaller than this share of what is usual stops expiry. */
export const SMALL_SHARE = 0.5;
/** What is usual is told from so many snapshots before it … */
export const USUAL_OF = 30;
/** … and from no fewer than these. */
export const USUAL_AT_LEAST = 3;
