/** How much work compressing is worth; the words of the configuration. What was written by one is read like all others. */
export const COMPRESSIONS = ["fast", "balanced", "small"] as const;
export type Compression = (typeof COMPRESSIONS)[number];
