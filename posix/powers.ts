import { readFileSync } from "node:fs";

/** Bits of capabilities(7). */
const POWERS = { CHOWN: 0n, DAC_OVERRIDE: 1n, FOWNER: 3n, SYS_PTRACE: 19n, SYS_ADMIN: 21n } as const;

/**
 * Whether this process has one of root's powers now. access(2) does not tell of those that a service or setpriv gave to
 * another user: it asks for the real user without any.
 */
export function hasPower(power: keyof typeof POWERS): boolean {
  if (process.geteuid?.() === 0) return true;
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "0";
  return ((BigInt(`0x${effective}`) >> POWERS[power]) & 1n) === 1n;
}

/** Whether files can be given to anybody, and their mode and times set after that. */
export function maySetOwners(): boolean {
  return hasPower("CHOWN") && hasPower("FOWNER");
}
