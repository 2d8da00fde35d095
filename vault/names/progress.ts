/**
 * How a stage tells what it is doing. Stages call it from the main thread only and never wait for it; it must not throw.
 */
export interface Progress {
  /** A stage begins. `total` is in bytes, or undefined where it is not known. Ends the stage before it. */
  stage(name: string, total?: number): void;
  /** `bytes` more of the current stage's total are done. */
  advance(bytes: number): void;
  /** Something the user should know that stops nothing: a skipped socket, a slow start. */
  note(text: string): void;
  /** Something the user should act on. */
  warn(text: string): void;
}

export const silent: Progress = { stage() {}, advance() {}, note() {}, warn() {} };
