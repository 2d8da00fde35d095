/** Lets only so much through in each second: bytes, or milliseconds of work. */
export interface Bucket {
  /**
   * Resolves once `amount` may go. Those who ask are served in their order. From the first to any later moment `t`
   * seconds after, never more than `perSecond * t + burst` is let through.
   * @throws the reason of `signal`
   */
  take(amount: number, signal?: AbortSignal): Promise<void>;
}

export interface BucketOptions {
  /** Above 0. */
  readonly perSecond: number;
  /** What may go at once after a pause; 0 where nothing may before its time. */
  readonly burst: number;
  /** Milliseconds that never go backwards. */
  readonly monotonic: () => number;
  /** May wake up too early. @throws the reason of `signal` */
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<unknown>;
}

/** The longest that a timer waits; above 2^31 - 1 Node takes 1 ms for it. */
const LONGEST_WAIT = 2 ** 30;

export function makeBucket({ perSecond, burst, monotonic, wait }: BucketOptions): Bucket {
  const msFor = (amount: number) => (amount / perSecond) * 1000;
  // When all that was asked for so far will have been paid; what lies in the past is what may go at once.
  let paidAt = Number.NEGATIVE_INFINITY;
  let before: Promise<unknown> = Promise.resolve();
  async function serve(amount: number, earlier: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
    const due = Math.max(paidAt, monotonic() - msFor(burst)) + msFor(amount);
    paidAt = due;
    for (let left = due - monotonic(); left > 0; left = due - monotonic()) {
      await wait(Math.min(Math.ceil(left), LONGEST_WAIT), signal);
    }
    // Their time has come as well; a timer may have woken them later, or early and once more.
    await earlier;
  }
  return {
    take(amount, signal) {
      const served = serve(amount, before, signal);
      before = served.catch(() => {});
      return served;
    },
  };
}
