/**
 * How long each function takes from the start of its process until its handler could be called: Node, the bundle, and what
 * it does before the first event. Best and median of five, in wall time and the processor's.
 *
 *     node bench/start.ts
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildLambdas } from "../build-lambdas.ts";
import { PRESENTER_HANDLER } from "../lambdas/presenter/contract.ts";

const RUNS = 5;
const folder = mkdtempSync(join(tmpdir(), "coldkeep-start-"));
const env = {
  ...{ AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "x" },
  ...{ COLDKEEP_VAULT: "s3://bench/nodes", COLDKEEP_CARDS: "https://sqs/x", COLDKEEP_JOBS: "https://sqs/x" },
  ...{ COLDKEEP_TOPIC: "arn:aws:sns:us-east-1:1:x", COLDKEEP_TICKET_KEY: "arn:aws:kms:us-east-1:1:key/x" },
};

interface Start {
  /** Milliseconds. */
  readonly wall: number;
  readonly cpu: number;
}

try {
  const rows: string[] = [];
  for (const { name, bytes } of await buildLambdas(folder)) {
    writeFileSync(join(folder, name, "settings.json"), JSON.stringify({ format: 1, nodes: [] }));
    const starts = Array.from({ length: RUNS }, () => start(join(folder, name, "index.mjs"))).sort(
      (a, b) => a.wall - b.wall,
    );
    const [best, median] = [starts[0], starts[RUNS >> 1]] as [Start, Start];
    const cpu = Math.min(...starts.map((one) => one.cpu));
    rows.push(
      `| ${name} | ${(bytes / 1000).toFixed(0)} | ${best.wall.toFixed(0)} | ${median.wall.toFixed(0)} | ${cpu.toFixed(0)} |`,
    );
  }
  process.stdout.write(
    `| function | kB | best of ${RUNS}, ms | median | of the processor, ms |\n| --- | ---: | ---: | ---: | ---: |\n${rows.join("\n")}\n`,
  );
} finally {
  rmSync(folder, { recursive: true });
}

/** A process of its own, as Lambda makes one. `performance.now()` counts from the process's own start. */
function start(bundle: string): Start {
  const code =
    `const { ${PRESENTER_HANDLER}: handler } = await import(${JSON.stringify(pathToFileURL(bundle).href)});` +
    `if (typeof handler !== "function") throw new Error("no handler");` +
    `const { user, system } = process.cpuUsage();` +
    `process.stdout.write(JSON.stringify({ wall: performance.now(), cpu: (user + system) / 1000 }));process.exit();`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    encoding: "utf8",
    env,
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Start;
}
