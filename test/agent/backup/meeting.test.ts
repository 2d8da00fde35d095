import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { makeMeeting, OtherFailed } from "../../../agent/backup/meeting.ts";

const { signal } = new AbortController();

/** Plays a member: what it may do, when; `fail` is the point where it breaks. */
async function play(
  meeting: ReturnType<typeof makeMeeting>,
  name: string,
  log: string[],
  o: { fail?: "prepare" | "stop" | "store"; stop?: Promise<void>; signal?: AbortSignal } = {},
): Promise<void> {
  const seat = meeting.seats.get(name);
  if (seat === undefined) throw new Error(name);
  try {
    if (o.fail === "prepare") throw new Error(`${name} cannot be prepared`);
    await seat.mayStop(o.signal ?? signal);
    log.push(`stop ${name}`);
    await o.stop;
    if (o.fail !== "stop") seat.stopped();
    await seat.mayStart(o.fail !== "stop");
    log.push(`start ${name}`);
    if (o.fail === "stop") throw new Error(`${name} did not stop`);
    // A start takes its time; nobody else is started meanwhile.
    for (let n = 0; n < 3; n += 1) await turn();
    log.push(`up ${name}`);
    await seat.mayStore(o.signal ?? signal);
    log.push(`store ${name}`);
    await turn();
    if (o.fail === "store") throw new Error(`${name} was not stored`);
    seat.leave();
    log.push(`stored ${name}`);
  } catch (error) {
    seat.leave(error);
    throw error;
  }
}

const wordsOf = (settled: readonly PromiseSettledResult<void>[]) =>
  settled.map((one) => (one.status === "fulfilled" ? "done" : (one.reason as Error).message));

describe("nodes of a group", () => {
  it("are stopped in their order once all are prepared, and started the other way round; then stored one by one", async () => {
    const log: string[] = [];
    const meeting = makeMeeting(["a", "b", "c"], "together");
    const late = Promise.withResolvers<void>();
    const runs = [play(meeting, "b", log), play(meeting, "a", log)];
    await turn();
    expect(log).toEqual([]);
    runs.push(play(meeting, "c", log, { stop: late.promise }));
    await turn();
    await turn();
    expect(log).toEqual(["stop a", "stop b", "stop c"]);
    late.resolve();
    await Promise.all(runs);
    expect(log.slice(3)).toEqual([
      ...["start c", "up c", "start b", "up b", "start a", "up a"],
      ...["store a", "stored a", "store b", "stored b", "store c", "stored c"],
    ]);
  });

  it("one by one: each is up before the next is stopped, and none is stored before all are", async () => {
    const log: string[] = [];
    const meeting = makeMeeting(["a", "b"], "one-by-one");
    await Promise.all([play(meeting, "b", log), play(meeting, "a", log)]);
    expect(log).toEqual([
      ...["stop a", "start a", "up a", "stop b", "start b", "up b", "store a", "stored a", "store b", "stored b"],
    ]);
  });

  it("where one does not stop, those that are down are started, the last first, and nothing is stored", async () => {
    for (const down of ["together", "one-by-one"] as const) {
      const log: string[] = [];
      const meeting = makeMeeting(["a", "b", "c"], down);
      const settled = await Promise.allSettled([
        ...[play(meeting, "a", log), play(meeting, "b", log, { fail: "stop" }), play(meeting, "c", log)],
      ]);
      expect(log).toEqual(
        down === "together"
          ? ["stop a", "stop b", "start b", "start a", "up a"]
          : ["stop a", "start a", "up a", "stop b", "start b"],
      );
      const other = new OtherFailed().message;
      const words = wordsOf(settled);
      expect(words[1]).toBe("b did not stop");
      for (const word of [words[0], words[2]]) expect([other, "b did not stop"]).toContain(word);
    }
  });

  it("where one cannot be prepared, none is stopped", async () => {
    const log: string[] = [];
    const meeting = makeMeeting(["a", "b"], "together");
    const settled = await Promise.allSettled([play(meeting, "a", log), play(meeting, "b", log, { fail: "prepare" })]);
    expect(log).toEqual([]);
    expect(wordsOf(settled)).toEqual(["b cannot be prepared", "b cannot be prepared"]);
    await meeting.prepared("b");
  });

  it("where one is not stored, those after it are not either", async () => {
    const log: string[] = [];
    const meeting = makeMeeting(["a", "b", "c"], "one-by-one");
    const settled = await Promise.allSettled(
      ["a", "b", "c"].map((name) => play(meeting, name, log, name === "b" ? { fail: "store" } : {})),
    );
    expect(log.filter((line) => line.startsWith("store"))).toEqual(["store a", "stored a", "store b"]);
    expect(wordsOf(settled)).toEqual(["done", "b was not stored", "b was not stored"]);
  });

  it("on an abort whoever waits for its stop is let go, and whoever is down is started", async () => {
    const log: string[] = [];
    const meeting = makeMeeting(["a", "b"], "together");
    const abort = new AbortController();
    const a = play(meeting, "a", log, { signal: abort.signal });
    await turn();
    abort.abort(new Error("SIGTERM"));
    expect(wordsOf(await Promise.allSettled([a]))).toEqual(["SIGTERM"]);
    const b = play(meeting, "b", log, { signal: abort.signal });
    expect(wordsOf(await Promise.allSettled([b]))).toEqual(["SIGTERM"]);
    expect(log).toEqual([]);
  });
});
