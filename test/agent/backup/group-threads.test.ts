import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { systemClock } from "../../../posix/clock.ts";
import { runHere } from "../../cli/run.ts";
import { configHead } from "../../support/config-head.ts";
import { tempDir } from "../../support/tmp.ts";

/** Sets of worker threads that were started, and how many of them were there at once. */
const seen = vi.hoisted(() => ({ started: 0, open: new Set<object>(), most: 0 }));

vi.mock("../../../agent/backup/seal-pool.ts", async (original) => {
  const real = await original<typeof import("../../../agent/backup/seal-pool.ts")>();
  const startSealThreads: typeof real.startSealThreads = (count) => {
    const threads = real.startSealThreads(count);
    seen.started += 1;
    seen.open.add(threads);
    seen.most = Math.max(seen.most, seen.open.size);
    return {
      ...threads,
      async close() {
        await threads.close();
        seen.open.delete(threads);
      },
    };
  };
  return { ...real, startSealThreads };
});

it.each(["command", "none"])("members of a group by %s are sealed by one set of threads at a time", async (manager) => {
  const home = tempDir("group-threads");
  const config = join(home, "config.yaml");
  const node = (name: string) => {
    const data = join(home, name);
    mkdirSync(data);
    writeFileSync(join(data, "1.sst"), name);
    writeFileSync(join(data, "small"), name);
    const up = join(home, `${name}.up`);
    writeFileSync(up, "");
    const words = `stop: rm -f ${up}, start: touch ${up}, is_running: test -e ${up}`;
    const service = manager === "none" ? "{ manager: none }" : `{ manager: command, ${words} }`;
    return `  ${name}: { profile: files, roots: { d: ${data} }, immutable: ["*.sst"], service: ${service} }\n`;
  };
  writeFileSync(
    config,
    `${configHead(home)}nodes:
${["a", "b"].map(node).join("")}groups: { g: { order: [a, b] } }
`,
    { mode: 0o600 },
  );
  const coldkeep = (...words: string[]) => runHere([...words, "--config", config], { clock: systemClock });
  expect((await coldkeep("init")).code).toBe(0);
  Object.assign(seen, { started: 0, most: 0 });
  const ran = await coldkeep("backup", "--group", "g");
  expect(ran.code, ran.stderr).toBe(0);
  expect([seen.started, seen.open.size, seen.most]).toEqual([2, 0, 1]);
  if (manager === "none") return;
  // By itself a node has them ready before its stop, as ever.
  for (const name of ["a", "b"]) writeFileSync(join(home, name, "small"), `${name} again`);
  expect((await coldkeep("backup", "--node", "a")).code).toBe(0);
  expect((await coldkeep("backup", "--group", "g")).code).toBe(0);
  expect([seen.open.size, seen.most]).toEqual([0, 1]);
});
