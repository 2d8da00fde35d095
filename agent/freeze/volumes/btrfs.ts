import { lookAt, type PathInfo } from "../../../posix/stat.ts";
import { ColdkeepError } from "../../../vault/names/index.ts";
import { below, type Latin1, toText } from "../bytes.ts";
import type { PlannedPlace } from "../frozen-place.ts";
import { asWord, isElsewhere, mountOf } from "./mounted.ts";
import { ASK_LIMIT, TAKE_LIMIT, type Volumes } from "./types.ts";

/** The inode of a subvolume's top folder (BTRFS_FIRST_FREE_OBJECTID). */
const TOP_INODE = 256n;

/** Read-only snapshots of the subvolume that a root lies on, beside the root, on the same file system. */
export const btrfs: Volumes<"btrfs"> = {
  async plan(place, index, { tools }) {
    const mount = mountOf(place);
    if (mount.type !== "btrfs") throw isElsewhere("btrfs", place, mount);
    const top = topOf(place, mount.point);
    asWord(top);
    await tools("btrfs").must(["--version"], { timeoutMs: ASK_LIMIT }, "config", "cannot take snapshots");
    return {
      record: { kind: "btrfs", source: top, path: below(place.run, `subvolume-${index}`) },
      label: `btrfs subvolume ${toText(top)}`,
      top,
    };
  },
  async take({ source, path }, { tools }) {
    const words = ["subvolume", "snapshot", "-r", asWord(source), asWord(path)];
    await tools("btrfs").must(words, { timeoutMs: TAKE_LIMIT }, "refused", "cannot take a snapshot of the subvolume");
  },
  async open({ path }) {
    return path;
  },
  async remove({ path }, _index, { tools }) {
    const info = lookAt(path);
    // A plain folder there is the frozen tree's, and goes with that.
    if (info === null || info.ino !== TOP_INODE) return;
    const words = ["subvolume", "delete", asWord(path)];
    await tools("btrfs").must(words, { timeoutMs: ASK_LIMIT }, "internal", "cannot remove the snapshot");
  },
};

/** Whether a root is itself the top of a subvolume. */
export function isSubvolume(place: PlannedPlace): boolean {
  return mountOf(place).type === "btrfs" && lookAt(place.path)?.ino === TOP_INODE;
}

/** The top of the subvolume that holds the root, by the way up from it: all in one subvolume have one device. */
function topOf({ path, dev, root }: PlannedPlace, mountPoint: Latin1): Latin1 {
  for (let at = path; ; at = at.slice(0, Math.max(1, at.lastIndexOf("/")))) {
    const info: PathInfo | null = lookAt(at);
    if (info?.dev === dev && info.ino === TOP_INODE) return at;
    if (at === mountPoint || at.length <= 1 || info?.dev !== dev) break;
  }
  throw new ColdkeepError("config", {
    what: "no snapshot can be taken of the subvolume that holds a root",
    on: root.path,
    why: "only a folder of it is mounted here, and not its top",
    todo: "mount the subvolume itself, or leave freeze out",
  });
}
