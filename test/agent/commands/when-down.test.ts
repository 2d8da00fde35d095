import { describe, expect, it } from "vitest";
import type { Call } from "../../../agent/commands/define.ts";
import { checkAnswers } from "../../../agent/commands/when-down.ts";
import { parseConfig } from "../../../agent/config/index.ts";
import type { NodeControl } from "../../../agent/node/types.ts";
import { keptProgress } from "../../../agent/report/index.ts";

/** A node whose answers are told beforehand, the last one again and again. */
function node(answers: readonly boolean[], options: { running?: boolean; controls?: boolean; stops?: boolean } = {}) {
  const did: string[] = [];
  let asked = 0;
  let running = options.running ?? true;
  const control: NodeControl = {
    name: "demo",
    manager: {
      kind: "command",
      label: "test",
      controls: options.controls ?? true,
      async stop() {
        did.push("stop");
        if (options.stops === false) throw new Error("it hangs");
        running = false;
      },
      async start({ signal }) {
        signal?.throwIfAborted();
        did.push("start");
        running = true;
      },
      isRunning: async () => running,
    },
    probe: {
      async health() {
        const healthy = did.includes("start") || (answers[Math.min(asked, answers.length - 1)] ?? false);
        asked += 1;
        return { healthy, detail: healthy ? "well" : "no answer" };
      },
      heights: async () => null,
    },
    limits: { stopMs: 1000, startMs: 1000, onStopTimeout: "fail" },
  };
  return { control, did };
}

function settings(whenDown: string) {
  const text = `version: 1
vault: file:///v
encrypt_key: /k
nodes: { demo: { profile: files, roots: { data: /srv }, service: { manager: none }, when_down: ${whenDown} } }
`;
  const [found] = parseConfig(text, "c", []).nodes;
  if (found === undefined) throw new Error("no node");
  return found;
}

function call(signal = new AbortController().signal): Call & { progress: ReturnType<typeof keptProgress> } {
  return { flags: {}, progress: keptProgress(), io: { signal } } as unknown as Call & {
    progress: ReturnType<typeof keptProgress>;
  };
}

const noPause = { pauseMs: 0 };

describe("a node that is asked before a backup", () => {
  it("is left alone where it answers, and where one answer was lost", async () => {
    for (const answers of [[true], [false, true], [false, false, true]]) {
      const { control, did } = node(answers);
      await checkAnswers(settings("skip-and-restart"), control, call(), noPause);
      expect(did).toEqual([]);
    }
  });

  it("is restarted and skipped where it does not answer", async () => {
    const { control, did } = node([false]);
    await expect(checkAnswers(settings("skip-and-restart"), control, call(), noPause)).rejects.toMatchObject({
      kind: "node-down",
    });
    expect(did).toEqual(["stop", "start"]);
  });

  it("is restarted and skipped where it does not run", async () => {
    const { control, did } = node([true], { running: false });
    await expect(checkAnswers(settings("skip-and-restart"), control, call(), noPause)).rejects.toMatchObject({
      kind: "node-down",
    });
    expect(did).toEqual(["stop", "start"]);
  });

  it("is started again even where it would not stop", async () => {
    const { control, did } = node([false], { stops: false });
    await expect(checkAnswers(settings("skip-and-restart"), control, call(), noPause)).rejects.toThrow(
      /stopping it failed \(it hangs\)/,
    );
    expect(did).toEqual(["stop", "start"]);
  });

  it("is started again even where a signal arrives while it is stopped", async () => {
    const abort = new AbortController();
    const { control, did } = node([false]);
    const interrupted: NodeControl = {
      ...control,
      manager: {
        ...control.manager,
        async stop(options) {
          await control.manager.stop(options);
          abort.abort();
        },
      },
    };
    await expect(
      checkAnswers(settings("skip-and-restart"), interrupted, call(abort.signal), noPause),
    ).rejects.toThrow();
    expect(did).toEqual(["stop", "start"]);
  });

  it("is backed up all the same where when_down says so, with a warning", async () => {
    const { control, did } = node([false]);
    const asked = call();
    await checkAnswers(settings("backup"), control, asked, noPause);
    expect(did).toEqual([]);
    expect(asked.progress.warnings.join()).toContain("does not answer (no answer)");
  });

  it("is not asked at all where nobody could restart it", async () => {
    const { control, did } = node([false], { controls: false });
    await checkAnswers(settings("skip-and-restart"), control, call(), noPause);
    expect(did).toEqual([]);
  });

  it("asked when a signal arrives: it is not restarted, and the signal's reason is told", async () => {
    const abort = new AbortController();
    const reason = new Error("told to stop");
    const { control, did } = node([false]);
    const probe = control.probe;
    if (probe === null) throw new Error("no probe");
    const health: typeof probe.health = (options) => {
      abort.abort(reason);
      return probe.health(options);
    };
    const cut = { ...control, probe: { ...probe, health } };
    await expect(checkAnswers(settings("skip-and-restart"), cut, call(abort.signal))).rejects.toBe(reason);
    expect(did).toEqual([]);
  });
});
