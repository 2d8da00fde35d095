import type { ReportClock, Sink } from "../report/index.ts";

/** The world as a command sees it: handed in, so that tests see all of it. */
export interface Io {
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Where questions are answered; null where nobody can be asked. */
  readonly ask: ((question: string, options?: { readonly hidden?: boolean }) => Promise<string>) | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: ReportClock;
  /** Ends the run; its reason says what asked for that. The node is brought back, nothing half-done stays visible. */
  readonly signal: AbortSignal;
}
