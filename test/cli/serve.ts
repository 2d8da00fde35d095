import { onTestFinished } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import type { Host } from "./host.ts";
import { runHere } from "./run.ts";

export interface Served {
  readonly url: string;
  /** What it logged so far. */
  log(): string;
  stop(): Promise<void>;
}

/** `coldkeep serve` of a host's vault, in this process, on a port that the system chose; ends with the test. */
export async function serveHost(host: Host, ...words: string[]): Promise<Served> {
  const abort = new AbortController();
  let log = "";
  let listening: (url: string) => void = () => {};
  const url = new Promise<string>((done) => {
    listening = done;
  });
  const ended = runHere(["serve", "--listen", "127.0.0.1:0", ...words, "--config", host.config], {
    clock: systemClock,
    signal: abort.signal,
    stderr: {
      write: (text) => {
        log += text;
        const [, found] = /(?:listening|good once) url=(\S+)/.exec(text) ?? [];
        if (found !== undefined) listening(found);
      },
    },
  });
  const stop = async () => {
    abort.abort(new DOMException("SIGTERM", "AbortError"));
    await ended;
  };
  onTestFinished(stop);
  const first = await Promise.race([url, ended]);
  if (typeof first !== "string") throw new Error(`serve ended with ${first.code}: ${log}`);
  return { url: first, log: () => log, stop };
}
