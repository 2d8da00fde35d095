/** How many calls may be under way at once, found out as TCP finds out its window. */
export interface Pace {
  /** Waits for its turn, runs, and learns from the outcome. */
  run<T>(call: () => Promise<T>): Promise<T>;
  /** The bound as it stands. */
  readonly bound: number;
}

/**
 * Additive increase, multiplicative decrease: each call that went well while the bound was reached raises it by a
 * fraction, a server that asks to slow down halves it. Of the calls that were under way when it was halved none halves it
 * again: they tell of the same moment.
 * @param tooFast whether an error is the server's wish to be asked less often
 */
export function makePace(
  bounds: { readonly first: number; readonly least: number; readonly most: number },
  tooFast: (error: unknown) => boolean,
): Pace {
  let bound = bounds.first;
  let running = 0;
  let begun = 0;
  let halvedAt = 0;
  const waiting: (() => void)[] = [];
  const next = () => {
    while (waiting.length > 0 && running < Math.floor(bound)) {
      running += 1;
      waiting.shift()?.();
    }
  };
  const enter = async () => {
    if (running < Math.floor(bound) && waiting.length === 0) {
      running += 1;
      return;
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return {
    get bound() {
      return Math.floor(bound);
    },
    run: async (call) => {
      await enter();
      begun += 1;
      const number = begun;
      const full = running >= Math.floor(bound);
      try {
        const result = await call();
        if (full) bound = Math.min(bounds.most, bound + 1 / bound);
        return result;
      } catch (error) {
        if (tooFast(error) && number > halvedAt) {
          bound = Math.max(bounds.least, bound / 2);
          halvedAt = begun;
        }
        throw error;
      } finally {
        running -= 1;
        next();
      }
    },
  };
}
