import type { ReportClock, Sink } from "../report/index.ts";

/** The world as a command sees it: handed in, so that tests see all of it. */
export interface Io {
  readonly stdout: Sink;
  readonly stderr: Sink;
  /**
   * Writes to stdout no faster than it is read, for what may be longer than memory; false once nobody reads any more, as
   * after `| head`.
   */
  readonly pour: (chunk: string | Uint8Array) => Promise<boolean>;
  /** Where questions are answered; null where nobody can be asked. */
  readonly ask: ((question: string, options?: { readonly hidden?: boolean }) => Promise<string>) | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: ReportClock;
  /** Ends the run; its reason says what asked for that. The node is brought back, nothing half-done stays visible. */
  readonly signal: AbortSignal;
}
