import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  type Stats,
  statSync,
} from "node:fs";
import { systemCode } from "../vault/names/index.ts";
import { mountIdOf, readMounts } from "./mounts.ts";
import { parseStat } from "./process.ts";
import { type PathBytes, showPath } from "./system-error.ts";

/** What a process does with a file. */
export type Hold = "writes" | "reads" | "mapped" | "locked";

export interface FileHolder {
  readonly pid: number;
  /** comm, at most 15 bytes (proc_pid_comm(5)); its arguments could hold secrets. */
  readonly command: string;
  /** The file, as stat tells it. */
  readonly dev: number;
  readonly ino: number;
  /** For people. */
  readonly path: string;
  /** Path below a root of the question, latin1; null where the file is known by its inode only. */
  readonly below: { readonly root: number; readonly path: string } | null;
  /** True where the inode was asked after, whatever its path. */
  readonly listed: boolean;
  readonly hold: Hold;
}

export interface HolderQuestion {
  /** Absolute, real paths of folders: any plain file below one counts. */
  readonly roots: readonly PathBytes[];
  /** Whether an inode (as stat tells it) is asked after: how files are known that a container holds by another path. */
  includes(dev: number, ino: number): boolean;
}

export interface HolderAnswer {
  readonly holders: readonly FileHolder[];
  /** Processes that could not be looked into: of them nothing is proven. Names as in `FileHolder.command`. */
  readonly unseen: readonly { readonly pid: number; readonly command: string }[];
}

/** How one root's device is written: by stat, and by /proc/locks and maps (in hex there). */
interface Place {
  readonly path: string;
  readonly dev: number;
  readonly system: string;
}

/**
 * Who has plain files open, mapped or locked: all processes of this pid namespace but our own, by /proc/<pid>/fd (looked
 * at through the link, so that containers' paths hide nothing), /proc/<pid>/maps and /proc/locks. A process that only
 * names a file (O_PATH) or stands in a folder holds nothing. Blocks for some 10 ms on a usual host.
 * @throws the system's error where /proc or a root cannot be read.
 */
export function findHolders(question: HolderQuestion): HolderAnswer {
  const places = placesOf(question.roots);
  const holders: FileHolder[] = [];
  const unseen: { pid: number; command: string }[] = [];
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const seen = [lookAtFiles(pid, question, places, holders), lookAtMaps(pid, question, places, holders)];
    if (seen.includes(false) && hasFiles(pid)) unseen.push({ pid, command: commandOf(pid) });
  }
  lookAtLocks(question, places, holders);
  return { holders, unseen };
}

function placesOf(roots: readonly PathBytes[]): Place[] {
  const mounts = new Map(readMounts().map((mount) => [mount.id, mount]));
  return roots.map((root) => {
    const fd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const mount = mounts.get(mountIdOf(fd));
      const system = mount === undefined ? "" : `${hex(mount.major)}:${hex(mount.minor)}`;
      return { path: latin1(root), dev: fstatSync(fd).dev, system };
    } finally {
      closeSync(fd);
    }
  });
}

/** False where the process may not be looked into; true also for one that is gone. */
function lookAtFiles(pid: number, question: HolderQuestion, places: readonly Place[], into: FileHolder[]): boolean {
  const folder = `/proc/${pid}/fd`;
  const names = tryToSee(() => readdirSync(folder));
  if (names === null) return false;
  if (names === undefined) return true;
  for (const name of names) {
    const link = `${folder}/${name}`;
    const info = tryToSee<Stats | undefined>(() => statSync(link, { throwIfNoEntry: false }));
    if (info === null) return false;
    if (info === undefined || !("dev" in info) || !info.isFile()) continue;
    const found = match(question, places, info.dev, info.ino, () => readlinkSync(link, "latin1"));
    if (found === null) continue;
    const hold = accessOf(pid, name);
    if (hold !== null) into.push({ pid, command: commandOf(pid), ...found, hold });
  }
  return true;
}

/** /proc/<pid>/maps (proc_pid_maps(5)): range, rights, offset, device, inode, path. */
const MAP = /^\S+ \S{4} \S+ ([0-9a-f]+:[0-9a-f]+) (\d+) +(.*)$/;

function lookAtMaps(pid: number, question: HolderQuestion, places: readonly Place[], into: FileHolder[]): boolean {
  const text = tryToSee(() => readFileSync(`/proc/${pid}/maps`, "latin1"));
  if (text === null) return false;
  if (typeof text !== "string" || !places.some(({ system }) => text.includes(` ${system} `))) return true;
  const told = new Set<string>();
  for (const line of text.split("\n")) {
    const [, device = "", inode = "", path = ""] = MAP.exec(line) ?? [];
    if (inode === "" || told.has(inode)) continue;
    for (const { dev } of places.filter(({ system }) => system === device)) {
      const found = match(question, places, dev, Number(inode), () => unescapeMap(path));
      if (found === null || told.has(inode)) continue;
      told.add(inode);
      into.push({ pid, command: commandOf(pid), ...found, hold: "mapped" });
    }
  }
  return true;
}

/** /proc/locks (proc_locks(5)): number, kind, mode, access, pid, device and inode, range. */
const LOCK = /^\d+:\s+(?:->\s+)?[A-Z]+\s+[A-Z]+\s+[A-Z]+\s+(-?\d+)\s+([0-9a-f]+:[0-9a-f]+):(\d+)\s/;

function lookAtLocks(question: HolderQuestion, places: readonly Place[], into: FileHolder[]): void {
  for (const line of readFileSync("/proc/locks", "latin1").split("\n")) {
    const [, owner = "", device = "", inode = ""] = LOCK.exec(line) ?? [];
    const pid = Number(owner);
    if (inode === "" || pid === process.pid) continue;
    for (const { dev } of places.filter(({ system }) => system === device)) {
      if (!question.includes(dev, Number(inode))) continue;
      // Locks of open file descriptions and of other namespaces name no process.
      const command = pid > 0 ? commandOf(pid) : "unknown";
      const file = { dev, ino: Number(inode), path: `inode ${inode}` };
      into.push({ pid, command, ...file, below: null, listed: true, hold: "locked" });
    }
  }
}

function match(
  question: HolderQuestion,
  places: readonly Place[],
  dev: number,
  ino: number,
  pathOf: () => string,
): Pick<FileHolder, "dev" | "ino" | "path" | "below" | "listed"> | null {
  if (!places.some((place) => place.dev === dev)) return null;
  const listed = question.includes(dev, ino);
  const path = tryToSee(pathOf);
  const text = typeof path === "string" ? path : `inode ${ino}`;
  // A path alone says little, as another mount namespace may mean another place by it: the device must agree.
  const root = places.findIndex((place) => place.dev === dev && isBelow(text, place.path));
  if (!listed && root < 0) return null;
  const at = places[root];
  const below =
    at === undefined
      ? null
      : {
          root,
          path: text
            .slice(at.path.length)
            .replace(/^\//, "")
            .replace(/ \(deleted\)$/, ""),
        };
  return { dev, ino, path: showPath(Buffer.from(text, "latin1")), below, listed };
}

function isBelow(path: string, root: string): boolean {
  return path.startsWith(root.endsWith("/") ? root : `${root}/`);
}

/** How an open file is accessed, by its flags (proc_pid_fdinfo(5), octal); null for one that only names it (O_PATH). */
function accessOf(pid: number, fd: string): Hold | null {
  const O_PATH = 0o10000000;
  const text = tryToSee(() => readFileSync(`/proc/${pid}/fdinfo/${fd}`, "latin1"));
  const flags = typeof text === "string" ? /^flags:\s*([0-7]+)$/m.exec(text)?.[1] : undefined;
  if (flags === undefined) return text === undefined ? null : "writes";
  const value = Number.parseInt(flags, 8);
  if ((value & O_PATH) !== 0) return null;
  return (value & 0o3) === 0 ? "reads" : "writes";
}

/** Kernel threads and zombies hold no files, but are hidden from others all the same. */
function hasFiles(pid: number): boolean {
  const PF_KTHREAD = 0x0020_0000;
  const text = tryToSee(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
  if (text === undefined) return false;
  if (text === null) return true;
  if (["Z", "X"].includes(parseStat(text)?.state ?? "")) return false;
  const flags = Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[6]);
  return (flags & PF_KTHREAD) === 0;
}

function commandOf(pid: number): string {
  const text = tryToSee(() => readFileSync(`/proc/${pid}/comm`, "utf8"));
  return typeof text === "string" ? showPath(text.trimEnd()) : "unknown";
}

/** What `look` sees; undefined where its object is gone, null where it may not be seen. */
function tryToSee<T>(look: () => T): T | undefined | null {
  try {
    return look();
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    return null;
  }
}

function unescapeMap(path: string): string {
  return path.replace(/\\012/g, "\n");
}

/** As /proc/locks and maps write a half of a device: `%02x`. */
function hex(number: number): string {
  return number.toString(16).padStart(2, "0");
}

function latin1(path: PathBytes): string {
  return typeof path === "string" ? Buffer.from(path).toString("latin1") : path.toString("latin1");
}
