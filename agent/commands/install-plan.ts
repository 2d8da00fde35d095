import { realpathSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ColdkeepError, messageOf } from "../../vault/names/index.ts";
import { type CommandLine, type Config, DEFAULT_CONFIG, type NodeSettings } from "../config/index.ts";
import { type Credential, type InstallPlan, timerOf } from "../systemd/index.ts";
import type { Call } from "./define.ts";
import type { InstallFlags } from "./install.command.ts";
import { pickNode } from "./session.ts";

export interface Installation {
  readonly plan: InstallPlan;
  /** Timers of an earlier installation that a group's stands for now. */
  readonly superseded: readonly string[];
  /** Folders for frozen trees and drills, to be made for the user of the service. */
  readonly folders: readonly string[];
  /** Folders that are given to that user, with all that is in them. */
  readonly owned: readonly string[];
  /** What a person has to see to. */
  readonly notes: readonly string[];
}

const CREDENTIAL = "coldkeep-key";
const SCHEDULE = "*-*-* 02:00";
const DELAY = "30m";
const DRILL_SCHEDULE = "Sun *-*-* 04:00";

/**
 * What systemd is to be told for a configuration.
 * @throws ColdkeepError `refused` where the service could not reach coldkeep itself; `not-found` for a root that is none.
 */
export function planInstallation(config: Config, call: Call<InstallFlags>, exec: readonly string[]): Installation {
  const { flags } = call;
  const hidden = exec.find(isAtHome);
  if (hidden !== undefined && flags.dryRun !== true) throw outOfReach(hidden);
  const nodes = flags.node === undefined ? config.nodes : [pickNode(config, flags.node)];
  const groups = config.groups.filter(({ order }) => nodes.some(({ name }) => order.includes(name)));
  // One that is backed up by itself as well would be stopped twice a night.
  const byGroup = new Set<string>(groups.filter(({ ownTimers }) => !ownTimers).flatMap(({ order }) => order));
  // Units are templates: what they may do is what the most demanding node needs.
  const places = config.nodes.flatMap(placesOf);
  const vaults = config.vaults.flatMap(({ url }) => (url.startsWith("file:") ? [fileURLToPath(url)] : []));
  const scratch = config.nodes.flatMap(({ drill }) => (drill?.folder === undefined ? [] : [drill.folder]));
  const driven = config.nodes.map(drivenBy);
  const path = resolve(flags.config ?? DEFAULT_CONFIG);
  const credential = credentialOf(config, flags);
  const needed = [...places.map(({ root }) => root), ...vaults, ...scratch, config.stateDir, path];
  const plan: InstallPlan = {
    exec,
    config: path,
    stateDir: config.stateDir,
    nodes: nodes.filter(({ name }) => !byGroup.has(name)).map(({ name }) => name),
    groups: groups.map(({ name }) => name),
    drilled: nodes.map(({ name }) => name),
    writable: [...new Set([...vaults, ...scratch, ...places.map(({ opened }) => opened)])].sort(),
    mounts: [...new Set([...places.map(({ root }) => root), ...vaults])].sort(),
    local:
      vaults.length === config.vaults.length &&
      !config.keys.some(({ kind }) => kind === "kms") &&
      (config.notify ?? []).every((channel) => "email" in channel || "command" in channel),
    watches: config.notify !== undefined,
    home: needed.some(isAtHome),
    drives: [...new Set(driven.flatMap(({ units }) => units))].sort(),
    startsNodes: config.nodes.some(({ service }) => service.manager === "command" && unitOf(service.start) === null),
    credential,
    schedule: flags.schedule ?? SCHEDULE,
    delay: flags.delay ?? DELAY,
    drillSchedule: flags.drillSchedule ?? DRILL_SCHEDULE,
  };
  return {
    plan,
    superseded: nodes.filter(({ name }) => byGroup.has(name)).map(({ name }) => timerOf(name)),
    folders: [...new Set([...scratch, ...places.map(({ frozen }) => frozen)])].sort(),
    owned: [config.stateDir, ...vaults],
    notes: [
      ...(hidden === undefined ? [] : [outOfReach(hidden).message]),
      ...driven.flatMap(({ notes }) => notes),
      ...snapshotNotes(config.nodes),
      ...openRootNotes(plan.writable),
      ...cloudNotes(plan),
    ],
  };
}

interface Place {
  readonly root: string;
  /** Where its frozen tree lies. */
  readonly frozen: string;
  /** The folder that holds both, which the service's sandbox opens: hard links need one mount. */
  readonly opened: string;
}

function placesOf({ roots, freezeDir }: NodeSettings): Place[] {
  return roots.map(({ path }) => {
    const root = realPath(path);
    if (freezeDir !== undefined) return { root, frozen: freezeDir, opened: commonFolder(root, freezeDir) };
    const parent = dirname(root);
    // Beside the root, or inside where it is a mount point, as a backup chooses.
    if (statSync(parent).dev !== statSync(root).dev) return { root, frozen: join(root, FREEZE), opened: root };
    return { root, frozen: join(parent, FREEZE), opened: parent };
  });
}

const FREEZE = ".coldkeep-freeze";

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw new ColdkeepError("not-found", {
      what: "a root is not there",
      on: path,
      why: messageOf(error),
      todo: "correct its path in the configuration, or mount its disk, so that its place can be found out",
    });
  }
}

function commonFolder(a: string, b: string): string {
  const [x, y] = [a.split("/"), b.split("/")];
  let same = 0;
  while (same < x.length && x[same] === y[same]) same += 1;
  return x.slice(0, same).join("/") || "/";
}

/** The services of systemd that a node's commands stop and start. */
function drivenBy({ name, service }: NodeSettings): { readonly units: string[]; readonly notes: string[] } {
  if (service.manager === "systemd") return { units: [withKind(service.unit)], notes: [] };
  if (service.manager === "none") return { units: [], notes: [] };
  if (service.manager !== "command") {
    const note = `node ${name}: see to it that user coldkeep may drive ${service.manager}; where that takes the group docker, it is as good as root`;
    return { units: [], notes: [note] };
  }
  const units = new Set<string>();
  const notes: string[] = [];
  for (const line of [service.stop, service.start]) {
    const unit = unitOf(line);
    if (unit !== null) units.add(unit);
    else
      notes.push(
        `node ${name}: see to it that user coldkeep may run \`${wordsOf(line)}\`; sudo does not work in the service`,
      );
  }
  if (unitOf(service.start) === null) {
    notes.push(
      `node ${name}: let \`${wordsOf(service.start)}\` ask whoever runs the node; what it starts itself is of coldkeep's service, with its user and its sandbox`,
    );
  }
  return { units: [...units], notes };
}

function wordsOf(line: CommandLine): string {
  return typeof line === "string" ? line : line.join(" ");
}

function unitOf(line: CommandLine): string | null {
  const [, unit] = /^(?:\/(?:usr\/)?bin\/)?systemctl (?:--\S+ )*(?:stop|start) ([\w@.:-]+)$/.exec(wordsOf(line)) ?? [];
  return unit === undefined ? null : withKind(unit);
}

function withKind(unit: string): string {
  return /\.(service|socket|target|scope|slice|timer|path|mount)$/.test(unit) ? unit : `${unit}.service`;
}

/** A key file that systemd can hand over instead. */
function credentialOf({ keys, chainmaker }: Config, { keepKeyFile }: InstallFlags): Credential | null {
  const [key, ...others] = keys;
  if (keepKeyFile === true || chainmaker !== undefined || key === undefined || others.length > 0) return null;
  if (key.kind === "credential") return { name: key.name, from: "", sealed: true };
  if (key.kind !== "software" || !key.text.startsWith("/") || key.consume) return null;
  return { name: CREDENTIAL, from: key.text, sealed: true };
}

function snapshotNotes(nodes: Config["nodes"]): string[] {
  return nodes.flatMap(({ name, freeze }) =>
    freeze === "btrfs" || freeze === "lvm" || freeze === "zfs"
      ? [
          `node ${name}: freeze: ${freeze} takes root, which the service is not; run its backups by root, or leave freeze out`,
        ]
      : [],
  );
}

function openRootNotes(writable: readonly string[]): string[] {
  if (!writable.includes("/")) return [];
  return [
    "a root lies directly below /, so the service's sandbox leaves all of / writable to it; set freeze_dir inside that root's disk to close it",
  ];
}

function cloudNotes({ local }: InstallPlan): string[] {
  if (local) return [];
  return [
    "credentials for the cloud: let the service have them by `systemctl edit coldkeep@.service`, or by the instance's role",
  ];
}

function isAtHome(path: string): boolean {
  return /^\/(home|root|run\/user)(\/|$)/.test(path);
}

function outOfReach(path: string): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "the service could not reach coldkeep itself",
    on: path,
    why: "it lies in somebody's home, which services are kept out of",
    todo: "install coldkeep for all (npm i -g by root, the Debian package, or the tarball in /opt), and run that",
  });
}
