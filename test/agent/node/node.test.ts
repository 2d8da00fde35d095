import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { getPriority, setPriority } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeManager, makeProbe, startAndWait, stopAndWait } from "../../../agent/node/index.ts";
import { numberIn } from "../../../agent/node/json-field.ts";
import { redact } from "../../../agent/node/redact.ts";
import { runCommand } from "../../../agent/node/run-command.ts";
import type { NodeControl, ServiceManager } from "../../../agent/node/types.ts";
import { parseStat } from "../../../posix/process.ts";
import { ColdkeepError, silent } from "../../../vault/names/index.ts";
import { tempDir } from "../../support/tmp.ts";

const LIMIT = { timeoutMs: 20_000 };
const signal = new AbortController().signal;

const running = (pid: string) => {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"))?.state !== "Z";
  } catch {
    return false;
  }
};

describe("a command", () => {
  it("is words without a shell, or a text for one", async () => {
    expect(await runCommand(["printf", "%s", "$HOME; 'a' \n"], LIMIT)).toMatchObject({
      status: 0,
      stdout: "$HOME; 'a' \n",
    });
    expect(await runCommand("printf %s a | tr a b; exit 3", LIMIT)).toMatchObject({ status: 3, stdout: "b" });
  });

  it("reads nothing, and its last 4 KiB of output are kept for messages", async () => {
    const { stdout, tail } = await runCommand("cat; seq 1 5000; echo trouble >&2", LIMIT);
    expect(stdout.length).toBe(4096);
    expect(stdout.endsWith("5000\n")).toBe(true);
    expect(tail.length).toBe(4096);
    expect(tail.endsWith("trouble")).toBe(true);
  });

  it.skipIf(process.getuid?.() !== 0)("that starts a node starts it no nicer than others (needs root)", async () => {
    const was = getPriority();
    setPriority(was + 7);
    try {
      const nice = async (startsNode: boolean) => (await runCommand(["nice"], { ...LIMIT, startsNode })).stdout.trim();
      expect([await nice(false), await nice(true), getPriority()]).toEqual([`${was + 7}`, "0", was + 7]);
      const folder = tempDir();
      const line = (name: string) => `nice >${folder}/${name}`;
      const manager = makeManager({ manager: "command", start: line("start"), stop: line("stop"), isRunning: "true" });
      await manager.start(LIMIT);
      await manager.stop(LIMIT);
      expect(readFileSync(join(folder, "start"), "latin1")).toBe("0\n");
      expect(readFileSync(join(folder, "stop"), "latin1")).toBe(`${was + 7}\n`);
    } finally {
      setPriority(was);
    }
  });

  it("that does not end is killed with all its children at the time limit", async () => {
    const pids = join(tempDir(), "pids");
    const result = await runCommand(`sleep 1000 & echo $! $$ > ${pids}; wait`, { timeoutMs: 300 });
    expect(result).toMatchObject({ status: null, cutOff: true });
    expect(result.ending).toBe("it was not done within 0.3 s and was killed");
    for (const pid of readFileSync(pids, "latin1").trim().split(" ")) {
      while (running(pid)) await new Promise(setImmediate);
    }
  });

  it("is killed with all its children when the caller gives up, and not begun when he has", async () => {
    const folder = tempDir();
    const controller = new AbortController();
    const run = runCommand(`sleep 1000 & echo $! > ${folder}/pid; wait`, { ...LIMIT, signal: controller.signal });
    let pid = "";
    while (pid === "") {
      await new Promise(setImmediate);
      try {
        pid = readFileSync(join(folder, "pid"), "latin1").trim();
      } catch {
        // Not there yet.
      }
    }
    controller.abort();
    expect(await run).toMatchObject({ status: null, cutOff: true });
    while (running(pid)) await new Promise(setImmediate);
    const late = await runCommand(`touch ${folder}/late`, { ...LIMIT, signal: controller.signal });
    expect(late).toMatchObject({ status: null, cutOff: true });
    expect(() => readFileSync(join(folder, "late"))).toThrow();
  });

  it("may leave a daemon that keeps its output open: nobody waits for it, and writing does not kill it", async () => {
    const folder = tempDir();
    const script = `(trap '' HUP; while :; do echo still here || exit 1; sleep 0.01; done) & echo $! > ${folder}/pid`;
    expect(await runCommand(script, LIMIT)).toMatchObject({ status: 0 });
    const pid = Number(readFileSync(join(folder, "pid"), "latin1"));
    onTestFinished(() => void process.kill(pid, "SIGKILL"));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(running(String(pid))).toBe(true);
  });

  it("that cannot be run says why", async () => {
    expect((await runCommand(["/no/such/program"], LIMIT)).ending).toMatch(/could not be run: .*ENOENT/);
    expect((await runCommand("kill -9 $$", LIMIT)).ending).toBe("it was killed by SIGKILL");
  });

  it("is shown without what looks like a secret", () => {
    expect(redact("start --password hunter2 --token=abc -x")).toBe("start --password *** --token=*** -x");
    expect(redact("http://user:pw@host/ API_KEY='a b' Authorization: Bearer xyz")).toBe(
      "http://***@host/ API_KEY=*** Authorization: ***",
    );
    expect(redact("systemctl stop icon")).toBe("systemctl stop icon");
  });
});

describe("manager command", () => {
  const manager = (stop: string, start: string, isRunning: string) =>
    makeManager({ manager: "command", stop, start, isRunning });

  it("takes 1 to 125 for not running, and anything else that is not 0 for an error", async () => {
    for (const status of [1, 3, 125]) {
      expect(await manager("", "", `exit ${status}`).isRunning(LIMIT)).toBe(false);
    }
    for (const status of [126, 127, 200]) {
      await expect(manager("", "", `exit ${status}`).isRunning(LIMIT)).rejects.toMatchObject({ kind: "refused" });
    }
    await expect(manager("", "", "sleep 100").isRunning({ timeoutMs: 50 })).rejects.toThrow(/was killed/);
  });

  it("tells a command that failed, how, and what it printed last; no secrets", async () => {
    const bad = manager("echo 'token=abc no such unit' >&2; exit 5", "exit 6", "exit 0");
    await expect(bad.stop(LIMIT)).rejects.toMatchObject({ kind: "node-stop", why: expect.stringMatching(/status 5/) });
    await expect(bad.stop(LIMIT)).rejects.toThrow(/token=\*\*\* such unit|token=\*\*\* no such unit/);
    const down = manager("exit 0", "echo broken; exit 6", "exit 1");
    await expect(down.start(LIMIT)).rejects.toMatchObject({ kind: "node-start", why: expect.stringMatching(/broken/) });
  });

  it("believes the state more than the status", async () => {
    await expect(manager("exit 5", "", "exit 1").stop(LIMIT)).resolves.toBeUndefined();
    await expect(manager("", "exit 5", "exit 0").start(LIMIT)).resolves.toBeUndefined();
  });
});

describe("manager none", () => {
  it("controls nothing and says so", async () => {
    const none = makeManager({ manager: "none" });
    expect([none.kind, none.controls]).toEqual(["none", false]);
    await none.stop(LIMIT);
    await none.start(LIMIT);
    expect(await none.isRunning(LIMIT)).toBe(false);
  });
});

/** A manager whose answers are a list; the last one stays. */
function scripted(answers: readonly (boolean | Error)[], fail: { stop?: Error; start?: Error[] } = {}) {
  const calls: string[] = [];
  const starts = [...(fail.start ?? [])];
  let at = 0;
  const manager: ServiceManager = {
    kind: "scripted",
    label: "scripted",
    controls: true,
    stop: async () => {
      calls.push("stop");
      if (fail.stop !== undefined) throw fail.stop;
    },
    start: async () => {
      calls.push("start");
      const error = starts.shift();
      if (error !== undefined) throw error;
    },
    isRunning: async () => {
      const answer = answers[Math.min(at++, answers.length - 1)] ?? false;
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  return { manager, calls };
}

const control = (manager: ServiceManager, rest: Partial<NodeControl> = {}): NodeControl => ({
  name: "icon",
  manager,
  probe: null,
  limits: { stopMs: 60, startMs: 60, onStopTimeout: "fail" },
  ...rest,
});

describe("stopping and starting", () => {
  it("waits until the manager agrees, whatever single questions fail", async () => {
    const { manager } = scripted([true, new Error("lost"), true, false]);
    await stopAndWait(
      control(manager, { limits: { stopMs: 5000, startMs: 1, onStopTimeout: "fail" } }),
      silent,
      signal,
    );
    const { manager: starting } = scripted([false, new Error("lost"), true]);
    const { askedAt, runningAt } = await startAndWait(
      control(starting, { limits: { stopMs: 1, startMs: 5000, onStopTimeout: "fail" } }),
      silent,
      signal,
    );
    expect(runningAt).toBeGreaterThan(askedAt);
  });

  it("a node that will not stop is told after its limit, with what was seen last", async () => {
    await expect(stopAndWait(control(scripted([true]).manager), silent, signal)).rejects.toMatchObject({
      kind: "node-stop",
      on: "icon",
      why: "its service manager still says that it runs, 0.06 s after it was asked to stop (scripted)",
    });
    const lost = scripted([new Error("connection refused")]).manager;
    await expect(stopAndWait(control(lost), silent, signal)).rejects.toThrow(/connection refused/);
  });

  it("a node that will not start, or is not well, is told after its limit", async () => {
    await expect(startAndWait(control(scripted([false]).manager), silent, signal)).rejects.toMatchObject({
      kind: "node-start",
      why: expect.stringMatching(/does not run, 0.06 s after/),
    });
    const probe = { health: async () => ({ healthy: false, detail: "503" }), heights: async () => null };
    const sick = control(scripted([true]).manager, { probe });
    await expect(startAndWait(sick, silent, signal)).rejects.toThrow(/it runs, but is not well: 503/);
  });

  it("a start that fails is tried again within its limit, and the last failure is told", async () => {
    const twice = scripted([true], { start: [new Error("one"), new Error("two")] });
    const patient = { limits: { stopMs: 1, startMs: 30_000, onStopTimeout: "fail" as const } };
    await startAndWait(control(twice.manager, patient), silent, signal);
    expect(twice.calls).toEqual(["start", "start", "start"]);
    const never = scripted([false], { start: [new Error("one"), new Error("two"), new Error("three")] });
    await expect(startAndWait(control(never.manager), silent, signal)).rejects.toThrow("one");
  });

  it("an abort ends the waiting at once with its own reason", async () => {
    const reason = new Error("ctrl-c");
    const long = { limits: { stopMs: 60_000, startMs: 60_000, onStopTimeout: "fail" as const } };
    const controller = new AbortController();
    const stopping = stopAndWait(control(scripted([true]).manager, long), silent, controller.signal);
    const starting = startAndWait(control(scripted([false]).manager, long), silent, controller.signal);
    controller.abort(reason);
    await expect(stopping).rejects.toBe(reason);
    await expect(starting).rejects.toBe(reason);
  });

  it("runs the operator's hooks around it, in their order, each within its limit", async () => {
    const folder = tempDir();
    const said = (name: string) => ({ run: `echo ${name} >> ${folder}/said`, timeoutMs: 20_000 });
    const hooks = { beforeStop: said("1"), afterStop: said("2"), beforeStart: said("3"), afterStart: said("4") };
    const { manager } = scripted([false, true]);
    const patient = control(manager, { hooks, limits: { stopMs: 5000, startMs: 5000, onStopTimeout: "fail" } });
    await stopAndWait(patient, silent, signal);
    await startAndWait(patient, silent, signal);
    expect(readFileSync(join(folder, "said"), "utf8")).toBe("1\n2\n3\n4\n");
  });

  it("a hook before or after the stop that fails ends the run, one around the start is only warned of", async () => {
    const bad = { run: "echo no space; exit 3", timeoutMs: 20_000 };
    const limits = { stopMs: 5000, startMs: 5000, onStopTimeout: "fail" as const };
    const early = scripted([false]);
    await expect(
      stopAndWait(control(early.manager, { hooks: { beforeStop: bad }, limits }), silent, signal),
    ).rejects.toMatchObject({
      kind: "node-stop",
      what: "hook before_stop failed",
      why: expect.stringMatching(/no space/),
    });
    expect(early.calls).toEqual([]);
    const late = control(scripted([false]).manager, {
      hooks: { afterStop: { run: "sleep 100", timeoutMs: 50 } },
      limits,
    });
    await expect(stopAndWait(late, silent, signal)).rejects.toThrow(/hook after_stop failed: .*was killed/);
    const warnings: string[] = [];
    const progress = { ...silent, warn: (text: string) => void warnings.push(text) };
    const start = control(scripted([true]).manager, { hooks: { beforeStart: bad, afterStart: bad }, limits });
    await startAndWait(start, progress, signal);
    expect(warnings).toEqual([
      expect.stringMatching(/^hook before_start failed/),
      expect.stringMatching(/^hook after_start failed/),
    ]);
  });

  it("a start that fails for any reason is told as that: the node may be down", async () => {
    const refused = new ColdkeepError("permission", { what: "may not", on: "docker", why: "denied", todo: "ask" });
    const never = scripted([false], { start: [refused, refused, refused] });
    await expect(startAndWait(control(never.manager), silent, signal)).rejects.toMatchObject({
      kind: "node-start",
      what: "the node could not be started: may not",
      why: "denied",
    });
  });

  it("neither stops nor starts what it does not control", async () => {
    const none = control(makeManager({ manager: "none" }));
    await stopAndWait(none, silent, signal);
    const { askedAt, runningAt } = await startAndWait(none, silent, signal);
    expect(runningAt).toBe(askedAt);
  });

  it("does not care where the wall clock goes", async () => {
    let now = 1_000_000;
    const clock = { now: () => (now -= 10_000), monotonic: () => performance.now() };
    await stopAndWait(control(scripted([true, false]).manager), silent, signal, clock);
  });
});

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("a probe", () => {
  it("asks health by status, and takes the height from a field, also with a 503", async () => {
    const url = await serve((request, response) => {
      response.statusCode = request.url === "/ok" ? 200 : 503;
      response.end(JSON.stringify({ block_height: 1234, list: [{ height: "0x10" }] }));
    });
    const probe = makeProbe({ health: { url: `${url}/ok`, ok: [200] }, height: { url, field: "block_height" } });
    expect(await probe?.health(LIMIT)).toEqual({ healthy: true, detail: `${url}/ok answers 200` });
    expect(await probe?.heights(LIMIT)).toEqual({ "": 1234 });
    const sick = makeProbe({ health: { url, ok: [200, 204] }, height: { url, field: "list.0.height" } });
    expect(await sick?.health(LIMIT)).toEqual({
      healthy: false,
      detail: `${url} answers 503, expected is 200 or 204`,
    });
    expect(await sick?.heights(LIMIT)).toEqual({ "": 16 });
  });

  it("of a node that is down, hangs, redirects or floods is no exception", async () => {
    const down = makeProbe({ health: { url: "http://127.0.0.1:9/", ok: [200] } });
    expect((await down?.health(LIMIT))?.healthy).toBe(false);
    const hanging = await serve(() => {});
    const slow = makeProbe({ health: { url: hanging, ok: [200] }, height: { url: hanging } });
    expect(await slow?.health({ timeoutMs: 50 })).toEqual({
      healthy: false,
      detail: `${hanging}: no answer within 0.05 s`,
    });
    expect(await slow?.heights({ timeoutMs: 50 })).toBeNull();
    const flooding = await serve((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, "1")));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    });
    expect(await makeProbe({ height: { url: flooding } })?.heights(LIMIT)).toBeNull();
    const elsewhere = await serve((_, response) => {
      response.writeHead(302, { location: hanging });
      response.end();
    });
    expect(await makeProbe({ health: { url: elsewhere, ok: [200] } })?.health(LIMIT)).toMatchObject({ healthy: false });
  });

  it("by command: health is its status, the height its output", async () => {
    const probe = makeProbe({
      health: { command: ["true"] },
      height: { command: `echo '{"h": 7}'`, field: "h" },
    });
    expect((await probe?.health(LIMIT))?.healthy).toBe(true);
    expect(await probe?.heights(LIMIT)).toEqual({ "": 7 });
    expect(await makeProbe({ height: { command: "echo 12" } })?.heights(LIMIT)).toEqual({ "": 12 });
    expect(await makeProbe({ height: { command: "echo 12; exit 1" } })?.heights(LIMIT)).toBeNull();
    const sick = await makeProbe({ health: { command: "echo no peers; exit 2" } })?.health(LIMIT);
    expect(sick).toEqual({ healthy: false, detail: 'health command: it ended with status 2; it printed: "no peers"' });
  });

  it("by a connection: a port that takes one is well", async () => {
    const url = await serve(() => {});
    const place = url.replace("http://", "");
    expect(await makeProbe({ health: { tcp: place } })?.health(LIMIT)).toEqual({
      healthy: true,
      detail: `${place} takes connections`,
    });
    const down = await makeProbe({ health: { tcp: "127.0.0.1:9" } })?.health(LIMIT);
    expect([down?.healthy, down?.detail]).toEqual([false, expect.stringMatching(/^127.0.0.1:9 takes no connection: /)]);
  });

  it("without a health question takes the height's answer for it; without both there is none", async () => {
    expect(makeProbe(undefined)).toBeNull();
    expect(makeProbe({})).toBeNull();
    expect(await makeProbe({ height: { command: "echo 5" } })?.health(LIMIT)).toEqual({
      healthy: true,
      detail: "it is at height 5",
    });
    expect((await makeProbe({ height: { command: "false" } })?.health(LIMIT))?.healthy).toBe(false);
  });
});

describe("heights of several channels", () => {
  const PAGE = [
    "# HELP ledger_blockchain_height Height of the chain in blocks.",
    "# TYPE ledger_blockchain_height gauge",
    'ledger_blockchain_height{channel="mychannel"} 19',
    'ledger_blockchain_height{org="a",channel="say \\"b\\""} 1.2e+06 1795866266316',
    'ledger_blockchain_height_other{channel="x"} 7',
    'ledger_block_processing_time_count{channel="mychannel"} 5',
  ].join("\n");
  const metric = { metric: "ledger_blockchain_height", by: "channel" };

  it("are read from a page of metrics, by the label", async () => {
    let page = PAGE;
    const url = await serve((_, response) => response.end(page));
    const probe = makeProbe({ height: { url, channels: metric } });
    expect(await probe?.heights(LIMIT)).toEqual({ mychannel: 19, 'say "b"': 1_200_000 });
    expect((await probe?.health(LIMIT))?.detail).toBe('it is at height mychannel 19, say "b" 1200000');
    page = "# TYPE go_threads gauge\ngo_threads 7\n";
    expect(await probe?.heights(LIMIT)).toEqual({});
    expect(await probe?.health(LIMIT)).toEqual({ healthy: true, detail: "it has no channel yet" });
    page = "<html>404</html>";
    expect(await probe?.heights(LIMIT)).toBeNull();
    page = `${PAGE}\nledger_blockchain_height{channel="c"} NaN`;
    expect(await probe?.heights(LIMIT)).toBeNull();
  });

  it("are read from a list, or from what its entries lead to, on the same server only", async () => {
    let first = "/channels/a";
    const url = await serve(({ url: path }, response) => {
      const list = {
        systemChannel: null,
        channels: [
          { name: "a", url: first },
          { name: "b", url: "/channels/b" },
        ],
      };
      response.end(JSON.stringify(path === "/channels" ? list : { name: path?.slice(-1), height: 11 }));
    });
    const orderer = { list: "channels", by: "name", follow: "url", field: "height" };
    const probe = makeProbe({ height: { url: `${url}/channels`, channels: orderer } });
    expect(await probe?.heights(LIMIT)).toEqual({ a: 11, b: 11 });
    const other = await serve((_, response) => response.end(JSON.stringify({ height: 12 })));
    first = `${other}/channels/a`;
    expect(await probe?.heights(LIMIT)).toBeNull();
    const chains = { list: "", by: "cid", field: "height" };
    const answer = `echo '[{"cid":"0x1","height":5},{"cid":"0x2","height":"0x10"}]'`;
    expect(await makeProbe({ height: { command: answer, channels: chains } })?.heights(LIMIT)).toEqual({
      "0x1": 5,
      "0x2": 16,
    });
    const none = makeProbe({ height: { command: `echo '{"channels":null}'`, channels: orderer } });
    expect(await none?.heights(LIMIT)).toEqual({});
    expect(await makeProbe({ height: { command: "echo '{}'", channels: orderer } })?.heights(LIMIT)).toBeNull();
  });
});

describe("a height", () => {
  it("is a whole number up to 2^53-1, or null", () => {
    expect(numberIn("42\n", undefined)).toBe(42);
    expect(numberIn('{"a":[{"b":3}]}', "a.0.b")).toBe(3);
    for (const [text, field] of [
      ["-1", undefined],
      ["1.5", undefined],
      ["1e3", undefined],
      ["", undefined],
      ["{", "a"],
      ['{"a":9007199254740993}', "a"],
      ['{"a":null}', "a"],
      ['{"a":1}', "a.b"],
      ['{"a":1}', "constructor"],
      ['{"a":1}', "__proto__.a"],
    ] as const) {
      expect(numberIn(text, field), `${text} ${field}`).toBeNull();
    }
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, field) => {
        const found = numberIn(text, field);
        expect(found === null || (Number.isSafeInteger(found) && found >= 0)).toBe(true);
      }),
    );
  });
});
