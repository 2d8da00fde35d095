import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Call } from "../../agent/commands/define.ts";
import { tellOutcome } from "../../agent/commands/noticed.ts";
import { systemClock } from "../../posix/clock.ts";
import { silent } from "../../vault/names/index.ts";
import { configHead } from "./config-head.ts";
import { tempDir } from "./tmp.ts";

/** What people are told where a backup of node `icon` ended so: the notice as a program of theirs is given it. */
export async function toldOf(failure: unknown): Promise<unknown> {
  const home = tempDir("told");
  const config = join(home, "config.yaml");
  const notice = join(home, "notice");
  writeFileSync(
    config,
    `${configHead(home, "/etc/coldkeep/k.key")}notify: [{ command: cat >'${notice}' }]
nodes:
  icon: { profile: files, roots: { d: ${home}/d }, service: { manager: none } }
`,
    { mode: 0o600 },
  );
  const io = { env: {}, clock: systemClock, signal: new AbortController().signal };
  await tellOutcome("backup", { flags: { config, node: "icon" }, io, progress: silent } as unknown as Call, failure);
  return JSON.parse(readFileSync(notice, "utf8"));
}
