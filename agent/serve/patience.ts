/** Requests without a valid ticket that one address may make within a minute. */
const A_MINUTE = 60;
const MAX_ADDRESSES = 10_000;

/** Who keeps trying tickets that are none is not listened to for a while. */
export interface Patience {
  has(address: string): boolean;
  spend(address: string): void;
}

export function makePatience(clock: { monotonic(): number }): Patience {
  const spent = new Map<string, { since: number; count: number }>();
  return {
    has: (address) => {
      const known = spent.get(address);
      if (known === undefined) return true;
      if (clock.monotonic() - known.since < 60_000) return known.count < A_MINUTE;
      spent.delete(address);
      return true;
    },
    spend: (address) => {
      const known = spent.get(address);
      if (known !== undefined) known.count += 1;
      else {
        if (spent.size >= MAX_ADDRESSES) spent.clear();
        spent.set(address, { since: clock.monotonic(), count: 1 });
      }
    },
  };
}
