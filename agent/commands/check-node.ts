import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { CommandLine } from "../config/index.ts";
import { foreseeVolumes } from "../freeze/index.ts";
import type { FreezeRoot } from "../freeze/types.ts";
import type { NodeControl } from "../node/types.ts";
import { discoverAll } from "../profiles/index.ts";
import { formatHeights } from "../report/index.ts";
import { type Check, fail, ok, warn } from "./check.ts";
import { seesAllProcesses } from "./check-host.ts";
import { controlOf, freezeRootsOf } from "./control.ts";
import { findingOf, hostLook, lostChains } from "./look.ts";
import { assertCanStart } from "./node-key.ts";
import { probeLinks } from "./probe-links.ts";
import type { Session } from "./session.ts";

const ASK_LIMIT_MS = 10_000;
const DOWN = "see that it runs well; what a backup does with a node that does not answer, when_down decides";

/** The node's folders: there, readable, and freezable without copying. */
export async function checkRoots({ node }: Session): Promise<readonly Check[]> {
  const roots = freezeRootsOf(node);
  const found = roots.flatMap(({ name, path, freezeDir, means }) => {
    const label = `root ${name}`;
    const info = statSync(path, { throwIfNoEntry: false });
    if (info === undefined)
      return [fail(label, "not-found", `${path} does not exist`, "correct the path, or mount its disk")];
    if (!info.isDirectory()) return [fail(label, "config", `${path} is no folder`, "name the folder it lies in")];
    try {
      accessSync(path, constants.R_OK | constants.X_OK);
    } catch {
      return [fail(label, "permission", `${path} cannot be read`, "run coldkeep as root or as the node's own user")];
    }
    if (means === "btrfs" || means === "lvm" || means === "zfs") return [ok(label, path)];
    return [ok(label, path), ...checkFreezing(label, path, info, freezeDir)];
  });
  return found.some(({ status }) => status === "fail") ? found : [...found, ...(await checkVolumes(roots))];
}

/** Where snapshots of volumes are taken: that they can be. */
async function checkVolumes(roots: readonly FreezeRoot[]): Promise<readonly Check[]> {
  try {
    const volumes = await foreseeVolumes(roots);
    return volumes.map((volume) => ok("freeze", `by a snapshot: ${volume}`));
  } catch (error) {
    if (!(error instanceof ColdkeepError)) throw error;
    return [fail("freeze", error.kind, error.message, error.todo ?? "leave freeze out of the configuration")];
  }
}

/** The folders hold what the profile is for, and nothing of it lies elsewhere. */
export async function checkProfile({ node }: Session): Promise<readonly Check[]> {
  const finding = findingOf(node);
  if (finding === null) {
    const [best] = discoverAll(hostLook, node.roots);
    if (best === undefined) {
      return [warn("profile", "the roots hold nothing yet", "see that the node writes there; else correct the roots")];
    }
    const found = `${best.finding.found} (profile ${best.profile.name})`;
    return [warn("profile", `no ${node.profile} lies in the roots, but ${found}`, "correct profile or roots")];
  }
  return [
    ok("profile", `${node.profile}: ${finding.found}`),
    ...lostChains(node).map((chain) =>
      fail("profile", "refused", `chain ${chain} lies in none of the roots`, "correct chains in the configuration"),
    ),
    ...(finding.refusals ?? []).map(({ what, on, why, todo, external }) => {
      const words = [`${what}: ${on}`, ...(why === undefined ? [] : [why])].join("; ");
      return external === true && node.system.external === "acknowledged"
        ? warn("profile", words, "its backup is somebody else's: so says external")
        : fail("profile", "refused", words, todo);
    }),
    ...(finding.notes ?? []).map((note) => warn("profile", note, "see `coldkeep profiles`")),
    ...finding.elsewhere.map(({ name, path, why }) =>
      fail("profile", "refused", `${path} lies in none of the roots: ${why}`, `add to roots: ${name}: ${path}`),
    ),
  ];
}

function checkFreezing(
  label: string,
  path: string,
  root: { readonly dev: number; readonly uid: number },
  freezeDir: string | undefined,
): readonly Check[] {
  const place = nearestFolder(freezeDir ?? dirname(path));
  // A root that is a mount point has its frozen tree inside, as its parent is another file system.
  const inside = statSync(place).dev !== root.dev && freezeDir === undefined;
  const folder = inside ? path : place;
  if (statSync(folder).dev !== root.dev) {
    return [
      fail(`${label} freeze`, "config", `${folder} is on another file system`, "freeze_dir must be on the root's own"),
    ];
  }
  const { link, reflink, error } = probeLinks(folder);
  if (error !== null)
    return [fail(`${label} freeze`, "permission", error, `give this user the right to write in ${folder}`)];
  if (!link) {
    return [
      fail(
        `${label} freeze`,
        "refused",
        `${folder} cannot hard-link`,
        "take a file system that can: ext4, xfs, btrfs, zfs",
      ),
    ];
  }
  const uid = process.geteuid?.() ?? 0;
  if (uid !== 0 && root.uid !== uid && hardlinksAreProtected()) {
    return [
      fail(
        `${label} freeze`,
        "permission",
        `fs.protected_hardlinks forbids uid ${uid} to link files of uid ${root.uid}`,
        "run coldkeep as root or as the node's own user",
      ),
    ];
  }
  return [
    ok(`${label} freeze`, `hard links${reflink ? " and reflinks" : ", copies where files change"}, in ${folder}`),
  ];
}

/** How the node is driven, and whether it is well now. */
export async function checkService({ node }: Session, signal: AbortSignal): Promise<readonly Check[]> {
  const control = controlOf(node);
  if (!control.manager.controls) {
    const todo = seesAllProcesses()
      ? "back up only while it is down, or configure a manager"
      : "run coldkeep as root, or configure a manager: this user cannot prove alone that the node is down";
    return [warn("service", "nobody stops the node for coldkeep", todo)];
  }
  const checks: Check[] = [];
  if (node.service.manager === "command") {
    for (const [name, command] of Object.entries({
      stop: node.service.stop,
      start: node.service.start,
      is_running: node.service.isRunning,
    })) {
      const program = missingProgram(command);
      if (program !== null) {
        checks.push(fail(`service ${name}`, "config", `${program} is not found`, "install it, or write its full path"));
      }
    }
  }
  await control.manager.assertCanStart?.({ signal, timeoutMs: ASK_LIMIT_MS });
  return [...checks, ...checkStartable(node, control), ...(await askNode(control, signal))];
}

/** Of a node that empties the file of its own key: whether somebody fills it. */
function checkStartable(node: Session["node"], control: NodeControl): readonly Check[] {
  const finding = findingOf(node);
  if (finding?.emptiedKey === undefined) return [];
  try {
    assertCanStart(node, control, finding);
    return [ok("node key", `${finding.emptiedKey} is filled before each start`)];
  } catch (error) {
    if (!(error instanceof ColdkeepError)) throw error;
    return [fail("node key", error.kind, error.message, error.todo ?? "say where it is: node_key")];
  }
}

async function askNode({ manager, probe }: NodeControl, signal: AbortSignal): Promise<readonly Check[]> {
  const options = { signal, timeoutMs: ASK_LIMIT_MS };
  if (!(await manager.isRunning(options))) {
    return [warn("service", `${manager.label}: the node does not run`, DOWN)];
  }
  const checks: Check[] = [ok("service", `${manager.label}: the node runs`)];
  if (probe === null) {
    return [
      ...checks,
      warn("health", "nothing tells whether the node is well", "add health and height to the configuration"),
    ];
  }
  const { healthy, detail } = await probe.health(options);
  checks.push(healthy ? ok("health", detail) : warn("health", detail, DOWN));
  const heights = await probe.heights(options);
  checks.push(
    heights === null
      ? warn("height", "unknown", "add or correct height, so that snapshots can be chosen by it")
      : ok("height", formatHeights(heights)),
  );
  return checks;
}

/** The program of a command that certainly cannot be found; shells' own words and scripts pass. */
function missingProgram(command: CommandLine): string | null {
  const word =
    typeof command === "string" ? (/^\s*([\w./+-]+)(?=\s|$)/.exec(command)?.[1] ?? null) : (command[0] ?? null);
  if (word === null) return null;
  if (word.includes("/")) return existsSync(word) ? null : word;
  if (typeof command === "string" && SHELL_WORDS.has(basename(word))) return null;
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.some((folder) => existsSync(join(folder, word))) ? null : word;
}

const SHELL_WORDS = new Set([
  ".",
  ":",
  "cd",
  "command",
  "eval",
  "exec",
  "export",
  "if",
  "for",
  "set",
  "test",
  "trap",
  "ulimit",
  "umask",
  "wait",
  "while",
]);

function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(dirname(path));
}

function hardlinksAreProtected(): boolean {
  try {
    return readFileSync("/proc/sys/fs/protected_hardlinks", "latin1").trim() !== "0";
  } catch {
    return false;
  }
}
