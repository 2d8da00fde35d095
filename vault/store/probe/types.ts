import type { Deleter, ObjectInfo, Store } from "../facets.ts";

/** What a store is looked at with. */
export interface ProbeContext {
  readonly store: Store & Partial<Deleter>;
  /** A name that nobody uses; the same for the same `leaf`. */
  name(leaf: string): string;
  /** The beginning of all such names. */
  readonly prefix: string;
  /** Says that a version was put, so that it is removed at the end. */
  made(name: string, info: ObjectInfo): void;
  /** This machine's time, milliseconds since the epoch. */
  now(): number;
}

/** One guarantee of vault/store/facets.ts, and how to see whether a store holds it. */
export interface StoreCheck {
  readonly name: string;
  /** The guarantee, in a few words. */
  readonly guarantee: string;
  /** What coldkeep does, or cannot do, where it does not hold. */
  readonly otherwise: string;
  /** `needed`: without it a vault is not safe. `useful`: coldkeep goes on without. `extra`: few stores have it. */
  readonly weight: "needed" | "useful" | "extra";
  /** Answers what was seen. @throws BrokenGuarantee where it does not hold; what the store throws. */
  see(context: ProbeContext): Promise<string>;
}

/** A store did not do what its contract says. */
export class BrokenGuarantee extends Error {}

export interface ProbeFinding {
  readonly name: string;
  readonly guarantee: string;
  readonly otherwise: string;
  readonly weight: StoreCheck["weight"];
  /** `denied`: this host may not do what it takes to see it. `unknown`: the store did not answer. */
  readonly result: "holds" | "broken" | "denied" | "unknown";
  readonly found: string;
}

export interface ProbeReport {
  readonly findings: readonly ProbeFinding[];
  /** Names of objects that could not be removed. */
  readonly left: readonly string[];
}
