/** A defect that a campaign found, and the test that keeps it from coming back. */
export interface Found {
  readonly campaign: string;
  readonly seed: string;
  readonly what: string;
  readonly test: string;
}

/** All of them; docs/RELIABILITY.md lists these. Newest last. */
export const FOUND: readonly Found[] = [];
