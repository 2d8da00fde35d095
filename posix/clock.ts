/** Time as an argument: whoever needs it takes a clock, so that tests can move it. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. May jump either way; never measure durations with it. */
  now(): number;
  /** Milliseconds since some fixed moment; never goes backwards (CLOCK_MONOTONIC). */
  monotonic(): number;
}

/** The machine's own clocks. The one place that asks the system for the time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
