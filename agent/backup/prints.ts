/** Fingerprints as the freeze makes them (`fingerprintOf`): of a file that only grows, what stays of it, and its length. */
export const GROWING_PRINT = /^(a:[\d.]+:\d+:)(\d+):/;
/** Of a file that never changes: no class before it. */
export const LASTING_PRINT = /^[\d.]+:/;
