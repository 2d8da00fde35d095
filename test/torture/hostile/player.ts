import { Worker } from "node:worker_threads";
import type { HostileFinding } from "./play.ts";
import type { HostileWork } from "./play.worker.ts";

/** Of JavaScript's own memory; what buffers take on top of it, `MOST_RSS` bounds for the whole process. */
const HEAP_MB = 256;
const MOST_RSS = 1 << 30;
/** Whoever stands still for so long hangs: a machine under load is no finding. */
const HANG_MS = 120_000;

export interface Player {
  /** What ended as nothing may. */
  play(work: HostileWork): Promise<HostileFinding[]>;
  close(): Promise<void>;
}

/** A thread with little memory that reads hostile input, watched over; one that died or hung is followed by another. */
export function startPlayer(): Player {
  let thread = startThread();
  return {
    async play(work) {
      const { findings, dead } = await playIn(thread, work);
      if (dead) {
        await thread.worker.terminate();
        thread = startThread();
      }
      const rss = process.memoryUsage.rss();
      return rss > MOST_RSS
        ? [...findings, { ...work, nth: work.from, what: `the process has ${rss} bytes` }]
        : findings;
    },
    async close() {
      await thread.worker.terminate();
    },
  };
}

function startThread() {
  const at = new SharedArrayBuffer(4);
  const worker = new Worker(new URL("./play.worker.ts", import.meta.url), {
    workerData: at,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  // Whoever waits hears of it as well; nobody may be waiting.
  worker.on("error", () => {});
  return { worker, place: new Uint32Array(at) };
}

type Thread = ReturnType<typeof startThread>;

function playIn({ worker, place }: Thread, work: HostileWork): Promise<{ findings: HostileFinding[]; dead: boolean }> {
  const { promise, resolve } = Promise.withResolvers<{ findings: HostileFinding[]; dead: boolean }>();
  const died = (what: string) => resolve({ findings: [{ ...work, nth: place[0] ?? work.from, what }], dead: true });
  const onError = (error: unknown) => died(`the thread died: ${String(error)}`);
  const onMessage = (findings: HostileFinding[]) => resolve({ findings, dead: false });
  let last = -1;
  let since = performance.now();
  const watch = setInterval(() => {
    const now = place[0] ?? 0;
    if (now !== last) since = performance.now();
    last = now;
    if (performance.now() - since > HANG_MS) died("it hangs here, or within the next hundred");
  }, 1000);
  worker.on("error", onError);
  worker.on("message", onMessage);
  worker.postMessage(work);
  return promise.finally(() => {
    clearInterval(watch);
    worker.off("error", onError);
    worker.off("message", onMessage);
  });
}
