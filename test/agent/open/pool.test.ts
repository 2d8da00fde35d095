import { describe, expect, it } from "vitest";
import { startPool } from "../../../agent/open/index.ts";

const url = new URL("./echo.worker.ts", import.meta.url);

describe("a pool of worker threads", () => {
  it("answers every job once, more jobs than threads", async () => {
    const pool = startPool<string, string>(url, 2);
    const jobs = Array.from({ length: 20 }, (_, n) => `${n}`);
    expect(await Promise.all(jobs.map((job) => pool.run(job)))).toEqual(jobs.map((job) => `${job}!`));
    await pool.close();
  });

  it("an error of a job keeps its kind and parts across threads, and the pool goes on", async () => {
    const pool = startPool<string, string>(url, 1);
    const parts = { kind: "no-space", what: "no", on: "x", why: "y", todo: "z", retryable: true };
    await expect(pool.run("refuse")).rejects.toMatchObject(parts);
    await expect(pool.run("defect")).rejects.toMatchObject({
      kind: "internal",
      why: expect.stringContaining("a defect"),
    });
    expect(await pool.run("on")).toBe("on!");
    await pool.close();
  });

  it("a thread that dies fails what is waiting instead of leaving it hanging", async () => {
    const pool = startPool<string, string>(url, 1);
    const waiting = await Promise.allSettled(["die", "a", "b", "c"].map((job) => pool.run(job)));
    for (const one of waiting) expect(one).toMatchObject({ status: "rejected", reason: { kind: "internal" } });
    await expect(pool.run("late")).rejects.toMatchObject({ kind: "internal" });
    await pool.close();
  });

  it("threads that were started before there was work end without any, and may be closed twice", async () => {
    const idle = startPool<string, string>(url, 2);
    idle.warm();
    await idle.close();
    await idle.close();
    const pool = startPool<string, string>(url, 2);
    pool.warm();
    expect(await Promise.all(["a", "b", "c"].map((job) => pool.run(job)))).toEqual(["a!", "b!", "c!"]);
    await pool.close();
    await expect(pool.run("late")).rejects.toMatchObject({ kind: "interrupted" });
  });

  it("closing rejects what is still running", async () => {
    const pool = startPool<string, string>(url, 1);
    const running = expect(pool.run("a")).rejects.toMatchObject({ kind: "interrupted" });
    await pool.close();
    await running;
  });
});
