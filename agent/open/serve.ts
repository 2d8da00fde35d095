import { parentPort } from "node:worker_threads";
import { type SentError, toSent } from "./thread-errors.ts";

/** What a worker thread is sent, and what it answers; see `startPool`. */
export interface Sent<Job> {
  readonly id: number;
  readonly job: Job;
}

export type Answered<Answer> =
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly error: SentError };

/** The worker's side of a pool: one job after the other, each answered once; null ends the thread. */
export function serveJobs<Job, Answer>(handle: (job: Job) => Answer | Promise<Answer>): void {
  const port = parentPort;
  if (port === null) throw new Error("this file runs in worker threads only");
  const serve = async (message: Sent<Job> | null) => {
    if (message === null) {
      port.close();
      return;
    }
    const { id, job } = message;
    try {
      port.postMessage({ id, answer: await handle(job) } satisfies Answered<Answer>);
    } catch (error) {
      port.postMessage({ id, error: toSent(error) } satisfies Answered<Answer>);
    }
  };
  let last = Promise.resolve();
  port.on("message", (message: Sent<Job> | null) => {
    last = last.then(() => serve(message));
  });
}
