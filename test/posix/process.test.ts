import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { isAlive, parseIdentity, parseStat, processIdentity, processRealm, sameProcess } from "../../posix/process.ts";

describe("a process", () => {
  it("knows itself, the same in its threads", async () => {
    const me = processIdentity();
    expect(me.pid).toBe(process.pid);
    expect(isAlive(me)).toBe(true);
    expect(parseIdentity(JSON.parse(JSON.stringify(me)))).toEqual(me);
    const url = new URL("../../posix/process.ts", import.meta.url).href;
    const code = `import("${url}").then((m) => require("node:worker_threads").parentPort.postMessage(m.processIdentity()))`;
    const worker = new Worker(code, { eval: true });
    const [other] = await once(worker, "message");
    expect(sameProcess(me, other)).toBe(true);
    await worker.terminate();
  });

  it("is dead once it is gone, another now, or of another boot", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    await once(child, "spawn");
    const pid = child.pid ?? 0;
    const startTime = parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"))?.startTime ?? "";
    const identity = { ...processIdentity(), pid, startTime };
    expect(isAlive(identity)).toBe(true);
    expect(isAlive({ ...identity, startTime: `${Number(startTime) + 1}` })).toBe(false);
    expect(isAlive({ ...identity, bootId: "0".repeat(36) })).toBe(false);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(isAlive(identity)).toBe(false);
  });

  it("that is a zombie is dead: it holds nothing any more", async () => {
    // A shell that execs into sleep never waits for the child it had, whose pid it printed.
    const parent = spawn("/bin/sh", ["-c", "sleep 0 & echo $!; exec sleep 60"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [line] = await once(parent.stdout, "data");
    const pid = Number(String(line).trim());
    let stat = parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
    for (let looks = 0; stat?.state !== "Z" && looks < 1_000_000; looks += 1) {
      stat = parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
    }
    expect(stat?.state).toBe("Z");
    expect(isAlive({ ...processIdentity(), pid, startTime: stat?.startTime ?? "" })).toBe(false);
    parent.kill("SIGKILL");
    await once(parent, "exit");
  });

  it("is read out of stat whatever its command is called", () => {
    const rest = Array.from({ length: 30 }, (_, i) => String(i + 4)).join(" ");
    for (const command of ["node", ") R 1 (", "a) b (c", "\n", ""]) {
      expect(parseStat(`12 (${command}) S ${rest}`)).toEqual({ state: "S", startTime: "22" });
    }
    for (const bad of ["", "12 (x)", "12 (x) S 1 2"]) expect(parseStat(bad)).toBeNull();
  });

  it("is not made of anything a file may say", () => {
    const good = { pid: 1, startTime: "5", bootId: "0-a" };
    expect(parseIdentity(good)).toEqual(good);
    const bad = [
      null,
      1,
      "x",
      {},
      { ...good, pid: 0 },
      { ...good, pid: -1 },
      { ...good, pid: 1.5 },
      { ...good, pid: "1" },
    ];
    const worse = [{ ...good, startTime: 5 }, { ...good, startTime: "x" }, { ...good, bootId: "../" }, { pid: 1 }];
    for (const value of [...bad, ...worse]) expect(parseIdentity(value)).toBeNull();
  });

  it("knows where it is", () => {
    expect(processRealm().machine).not.toBe("");
    expect(processRealm().pidNamespace).toMatch(/^pid:\[\d+\]$/);
  });
});
