import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { pageNode, renderPage } from "../../keeper/index.ts";
import { writeFileDurable } from "../../posix/durable.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError, messageOf } from "../../vault/names/index.ts";
import { counted, formatBytes } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { type LookedAt, lookAtAll } from "./standings.ts";
import type { WebFlags } from "./web.command.ts";

const HERE = "coldkeep.html";

/** `coldkeep web`. */
export async function run(call: Call<WebFlags>): Promise<Answer> {
  const { flags, io, progress } = call;
  const file = resolve(flags.output ?? HERE);
  const { statuses } = await lookAtAll(call);
  const now = io.clock.now();
  const several = new Set(statuses.map(({ vault }) => vault)).size > 1;
  const page = Buffer.from(
    renderPage(
      statuses.map((status) => pageNode(inputOf(status, several, now))),
      now,
    ),
  );
  writePage(file, page);
  if (flags.open === true) await show(file, progress.warn.bind(progress));
  const amiss = statuses.filter(({ standing }) => standing.alarms.length > 0);
  const words = amiss.length === 0 ? "all is well" : `${counted(amiss.length, "backup")} amiss`;
  return {
    document: { output: file, bytes: page.length, nodes: statuses.length, amiss: amiss.length },
    text: `${file} tells of ${counted(statuses.length, "backup")}, ${words}; ${formatBytes(page.length)}`,
  };
}

function inputOf(
  { node, vault, standing, entries, more, next, pause, tiers }: LookedAt,
  several: boolean,
  now: number,
) {
  return { node, vault: several ? vault : "", standing, entries, more, next, paused: pause, tiers, now };
}

/** Whole or not at all; for a web server, which is another user. */
function writePage(path: string, page: Buffer): void {
  const folder = dirname(path);
  if (!existsSync(folder)) {
    throw new ColdkeepError("usage", {
      what: "cannot write the page",
      on: path,
      why: `there is no folder ${folder}`,
      todo: "make it, or name another by --output",
    });
  }
  try {
    writeFileDurable(path, page, 0o644);
  } catch (error) {
    throw fromSystemError(error, { what: "cannot write the page", on: path, otherwise: "usage" });
  }
}

/** The page is written; that no browser could be opened is no failure of it. */
async function show(file: string, warn: (words: string) => void): Promise<void> {
  try {
    const browser = spawn("xdg-open", [file], { stdio: "ignore", detached: true });
    await new Promise((done, failed) => browser.once("spawn", done).once("error", failed));
    browser.unref();
  } catch (error) {
    warn(`no browser was opened: ${messageOf(error)}`);
  }
}
