import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFirstDay, makeSecondDay, makeSmallFiles } from "./day.ts";
import { dropCaches, measure } from "./measure.ts";
import type { Gateway } from "./s3.ts";
import type { Tool } from "./tools.ts";
import { digestTree, sizeOf } from "./tree.ts";

export type PhaseName = "init" | "initial" | "changed" | "same" | "restore" | "check";

/** One command of one tool, measured. */
export interface Row {
  readonly tool: string;
  readonly run: number;
  readonly phase: PhaseName;
  readonly status: number;
  /** Seconds. */
  readonly wall: number;
  readonly cpu: number;
  /** Bytes: memory, what the repository holds after it, what the source has. */
  readonly rss: number;
  readonly stored: number;
  readonly size: number;
  readonly cold: boolean;
  /** Of a restore: whether all content is as it was, and all modes and times. */
  readonly equal?: boolean;
  readonly metadata?: boolean;
  /** Where it failed: what it said last. */
  readonly said?: string;
}

export interface RunOptions {
  readonly tools: readonly Tool[];
  readonly run: number;
  /** A folder of its own, removed afterwards. */
  readonly work: string;
  readonly path: string;
  /** Bytes of node data, or that many small files. */
  readonly bytes: number;
  readonly small: number;
  readonly gateway: Gateway | null;
  /** Path of our own command line. */
  readonly coldkeep: string;
  readonly report: (row: Row) => void;
}

const COMMANDS = {
  init: "init",
  initial: "backup",
  changed: "backup",
  same: "backup",
  restore: "restore",
  check: "check",
} as const;
const TAGS: Partial<Record<PhaseName, string>> = { initial: "day1", changed: "day2" };

/** All tools, one phase after the other, so that each sees the same source and nobody's disk is busier than another's. */
export async function runOnce(o: RunOptions): Promise<void> {
  const source = join(o.work, "source");
  mkdirSync(o.work, { recursive: true });
  writeFileSync(join(o.work, "password"), "correct horse battery staple");
  if (o.small > 0) makeSmallFiles(source, o.small);
  else await makeFirstDay(source, o.bytes);
  let wanted = digestTree(source);
  const failed = new Set<Tool>();
  for (const phase of ["init", "initial", "changed", "same", "restore", "check"] as const) {
    if (phase === "changed") {
      if (o.small > 0) continue;
      await makeSecondDay(source);
      wanted = digestTree(source);
    }
    for (const tool of o.tools.filter((each) => !failed.has(each))) {
      const row = await runPhase(o, tool, phase, source, wanted);
      if (row.status !== 0) failed.add(tool);
      o.report(row);
    }
  }
}

async function runPhase(
  o: RunOptions,
  tool: Tool,
  phase: PhaseName,
  source: string,
  wanted: ReturnType<typeof digestTree>,
): Promise<Row> {
  const place = (name: string) => join(o.work, name, tool.name);
  const target = join(o.work, "restored");
  mkdirSync(place("state"), { recursive: true });
  mkdirSync(join(o.work, "repository"), { recursive: true });
  mkdirSync(target);
  const prefix = `run${o.run}/${tool.name}`;
  const cold = dropCaches();
  const step = await measure(`${tool.pre ?? ""}${tool[COMMANDS[phase]]}`, {
    ...process.env,
    ...o.gateway?.env,
    PATH: o.path,
    COLDKEEP: o.coldkeep,
    REPO: place("repository"),
    SRC: source,
    DST: target,
    PW: join(o.work, "password"),
    STATE: place("state"),
    TAG: TAGS[phase] ?? "same",
    PREFIX: prefix,
  });
  const { said, ...figures } = step;
  const got = phase === "restore" && step.status === 0 ? digestTree(target) : null;
  rmSync(target, { recursive: true });
  return {
    tool: tool.name,
    run: o.run,
    phase,
    ...figures,
    size: wanted.bytes,
    stored: sizeOf(tool.s3 === true ? join(o.gateway?.bucket ?? "", prefix) : place("repository")),
    cold,
    ...(got === null ? {} : { equal: got.content === wanted.content, metadata: got.metadata === wanted.metadata }),
    ...(step.status === 0 ? {} : { said }),
  };
}
