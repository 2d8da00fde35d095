import { readFileSync } from "node:fs";
import { ColdkeepError } from "../../vault/names/index.ts";
import { readConfigText, replaceConfig, withKeyCredential } from "../config/index.ts";
import { profileNames } from "../profiles/index.ts";
import {
  type Credential,
  checkCalendars,
  giveTree,
  installedFiles,
  listTimers,
  makeFolderFor,
  plannedFiles,
  RECOVER,
  removeFiles,
  runProgram,
  sealedCredential,
  strayTimers,
  timersOf,
  USER,
  writeFiles,
} from "../systemd/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import type { InstallFlags } from "./install.command.ts";
import { type Installation, planInstallation } from "./install-plan.ts";
import { readConfig } from "./session.ts";

/** Of a look on a machine that is not the one it is for. */
const NOT_CHECKED =
  "systemd-analyze is not here, so nobody has looked whether --schedule and --drill-schedule are times";

/** `coldkeep install`. */
export async function run(call: Call<InstallFlags>): Promise<Answer> {
  const config = readConfig(call);
  const found = planInstallation(config, call, selfWords());
  const { plan } = found;
  const known = {
    nodes: config.nodes.map(({ name }) => name),
    groups: config.groups.map(({ name }) => name),
    watches: plan.watches,
  };
  const key = plan.credential;
  const text =
    key === null || key.from === "" ? null : withKeyCredential(readConfigText(plan.config), key.from, key.name);
  // Where the configuration cannot be changed by one line, the service reads the file itself, as it may.
  const sealing = text === null || key === null ? null : { key, text };
  const usable = { ...found, plan: { ...plan, credential: sealing === null && key?.from !== "" ? null : key } };
  const files = plannedFiles(usable.plan);
  const steps = stepsOf(usable, sealing?.key ?? null);
  if (call.flags.dryRun !== true) assertRoot();
  const understood = await checkCalendars([
    { flag: "--schedule", expression: plan.schedule },
    { flag: "--drill-schedule", expression: plan.drillSchedule },
  ]);
  if (call.flags.dryRun === true) {
    const notes = understood ? found.notes : [...found.notes, NOT_CHECKED];
    return {
      document: { dry_run: true, files, steps, notes },
      text: [
        ...files.map(({ path, content }) => `# ${path}\n\n${content}`),
        lined("then", [
          ...steps,
          "timers of nodes and groups that the configuration no longer has are disabled, where there are any",
        ]),
        lined("note", notes),
      ]
        .filter((part) => part !== "")
        .join("\n"),
    };
  }
  if (!understood) throw new ColdkeepError("not-found", { what: "there is no systemd here", on: "systemd-analyze" });
  const written = writeFiles(files);
  await runProgram(["systemd-sysusers", "/etc/sysusers.d/coldkeep.conf"]);
  const { uid, gid } = userOf(USER);
  for (const folder of usable.folders) makeFolderFor(folder, uid, gid);
  for (const folder of usable.owned) giveTree(folder, uid, gid);
  if (sealing !== null) {
    await seal(sealing.key);
    replaceConfig(plan.config, sealing.text, profileNames());
  }
  await runProgram(["systemctl", "daemon-reload"]);
  await runProgram(["systemctl", "enable", RECOVER]);
  const listed = await listTimers();
  const strays = strayTimers(listed, known);
  const ended = [...listed.filter((timer) => usable.superseded.includes(timer)), ...strays];
  if (ended.length > 0) await runProgram(["systemctl", "disable", "--now", ...ended]);
  // Units and rights that only an earlier configuration needed. Of one node alone it cannot be told what others need.
  const planned = new Set(files.map(({ path }) => path));
  const obsolete = call.flags.node === undefined ? installedFiles().filter((path) => !planned.has(path)) : [];
  const { removed } = removeFiles(obsolete);
  if (removed.length > 0) await runProgram(["systemctl", "daemon-reload"]);
  const timers = timersOf(plan);
  await runProgram(["systemctl", "enable", "--now", ...timers]);
  const [first = ""] = timers;
  return {
    document: { dry_run: false, written, removed, disabled: strays, steps, notes: found.notes },
    text: [
      written.length === 0 && removed.length === 0 && strays.length === 0 ? "Everything was as it is to be." : "",
      written.length === 0 ? "" : `Written: ${written.join(", ")}`,
      removed.length === 0 ? "" : `Removed, as nothing needs them any more: ${removed.join(", ")}`,
      lined("done", [
        ...steps,
        ...strays.map(
          (timer) => `systemctl disable --now ${timer}: what it was for is not in the configuration any more`,
        ),
      ]),
      lined("note", found.notes),
      `The first one now: systemctl start ${first.replace(/timer$/, "service")}`,
    ]
      .filter((part) => part !== "")
      .join("\n"),
  };
}

/** In words, what is done beside writing files. */
function stepsOf({ plan, superseded, folders, owned }: Installation, key: Credential | null): string[] {
  return [
    `systemd-sysusers: the user ${USER}`,
    ...folders.map((path) => `${path}: a folder of ${USER}'s, for frozen trees or drills`),
    ...owned.map((path) => `${path}: given to ${USER}`),
    ...(key === null
      ? []
      : [
          `systemd-creds encrypt --name=${key.name} ${key.from} ${sealedCredential(key)}`,
          `${plan.config}: encrypt_key: credential:${key.name}; ${key.from} stays, to restore by hand`,
        ]),
    `systemctl enable ${RECOVER}`,
    ...superseded.map(
      (timer) => `systemctl disable --now ${timer}, where it is enabled: its group's timer stands for it`,
    ),
    ...timersOf(plan).map((timer) => `systemctl enable --now ${timer}`),
  ];
}

async function seal(key: Credential): Promise<void> {
  await runProgram(["mkdir", "-p", "-m", "700", "/etc/credstore.encrypted"]);
  await runProgram(["systemd-creds", "encrypt", `--name=${key.name}`, key.from, sealedCredential(key)]);
}

function lined(word: string, lines: readonly string[]): string {
  return lines.map((line) => `${word.padEnd(5)} ${line}`).join("\n");
}

/** What starts this very coldkeep again. */
function selfWords(): string[] {
  return [process.execPath, process.argv[1] ?? "coldkeep"];
}

function assertRoot(): void {
  if (process.geteuid?.() === 0) return;
  throw new ColdkeepError("permission", {
    what: "only root can tell systemd",
    todo: "run it by sudo, or look first with --dry-run",
  });
}

function userOf(name: string): { readonly uid: number; readonly gid: number } {
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((one) => one.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(":") ?? [];
  if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  throw new ColdkeepError("internal", { what: "systemd-sysusers made no user", on: name });
}
