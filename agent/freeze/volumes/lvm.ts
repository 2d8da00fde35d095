import type { Mount } from "../../../posix/mounts.ts";
import { ColdkeepError } from "../../../vault/names/index.ts";
import type { PlannedPlace } from "../frozen-place.ts";
import { assertAllMounted, mountOf, mountReadOnly, unmount } from "./mounted.ts";
import { ASK_LIMIT, type RecordOf, TAKE_LIMIT, type VolumeContext, type Volumes } from "./types.ts";

/** Marks our snapshots; LVM keeps it with them. */
const TAG = "coldkeep";
/** Of a volume's size, what may be overwritten while it is read, where nothing else is said; and the least of that. */
const SHARE = 0.1;
const LEAST_SPACE = 512 << 20;
const BYTES = ["--reportformat", "json", "--units", "b", "--nosuffix"];

/** Snapshots of the logical volume that a root lies on, mounted for reading alone. */
export const lvm: Volumes<"lvm"> = {
  async plan(place, index, context) {
    const mount = mountOf(place);
    const words = [...BYTES, "-o", "vg_name,lv_name,lv_size,vg_free,pool_lv", mount.source];
    const volume = mount.source.startsWith("/dev/") ? await ask("lvs", words, "lv", context) : null;
    if (volume === null) throw isOther(place, mount.source);
    assertMountable(place, mount);
    const { vg_name: group = "", lv_name: name = "", pool_lv: pool = "" } = volume;
    const size = Number(volume.lv_size);
    const space = Math.min(size, context.space ?? Math.max(LEAST_SPACE, Math.ceil(size * SHARE)));
    const free = pool === "" ? Number(volume.vg_free) : await freeInPool(group, pool, context);
    if (!(free >= space)) throw noRoom(place, `${group}/${pool === "" ? name : pool}`, space, free);
    return {
      record: {
        ...{ kind: "lvm", group, volume: name, name: context.name(index), type: mount.type },
        space: pool === "" ? space : null,
      },
      label: `logical volume ${group}/${name}`,
      top: mount.point,
    };
  },
  async take({ group, volume, name, space }, { tools }) {
    const size = space === null ? ["--setactivationskip", "n"] : ["--size", `${space}b`];
    const words = ["--snapshot", "--yes", "--name", name, "--addtag", TAG, ...size, `${group}/${volume}`];
    await tools("lvcreate").must(words, { timeoutMs: TAKE_LIMIT }, "refused", "cannot take a snapshot of the volume");
  },
  async open({ group, name, type }, index, context) {
    const point = context.mountPoint(index);
    // Its file system has the very name of the volume's own, which xfs mounts once only.
    const options = type === "xfs" ? ["nouuid"] : [];
    await mountReadOnly({ source: `/dev/${group}/${name}`, type, options }, point, context);
    return point;
  },
  async remove(record, index, context) {
    await unmount(context.mountPoint(index), context);
    const found = await find(record, context);
    if (found === null) return;
    const { group, volume, name } = record;
    if (found.origin !== volume || !(found.lv_tags ?? "").split(",").includes(TAG)) {
      throw new ColdkeepError("refused", {
        what: "a logical volume has the name of a snapshot of coldkeep's, and is none",
        on: `${group}/${name}`,
        todo: "find out what it is; it was left alone",
      });
    }
    const words = ["--yes", `${group}/${name}`];
    await context.tools("lvremove").must(words, { timeoutMs: ASK_LIMIT }, "internal", "cannot remove the snapshot");
  },
};

function find({ group, name }: RecordOf<"lvm">, context: VolumeContext) {
  const words = ["--reportformat", "json", "-o", "lv_name,origin,lv_tags", "--select", `lv_name=${name}`, group];
  return ask("lvs", words, "lv", context, true);
}

async function freeInPool(group: string, pool: string, context: VolumeContext): Promise<number> {
  const found = await ask("lvs", [...BYTES, "-o", "lv_size,data_percent", `${group}/${pool}`], "lv", context, true);
  return Math.floor(Number(found?.lv_size) * (1 - Number(found?.data_percent) / 100));
}

type Row = Readonly<Record<string, string | undefined>>;

/** The first row of a report; null where there is none, or (unless `must`) no answer. @throws ColdkeepError. */
async function ask(
  program: string,
  words: readonly string[],
  of: string,
  { tools }: VolumeContext,
  must = false,
): Promise<Row | null> {
  const tool = tools(program);
  const result = await tool.try(words, { timeoutMs: ASK_LIMIT });
  const what = "cannot find out about logical volumes";
  if (result.status !== 0) {
    const missing = result.status === null;
    const failure = tool.failure(words, result, "refused", what);
    if (must || missing || failure.kind === "permission") throw failure;
    return null;
  }
  try {
    const { report } = JSON.parse(result.stdout) as { report: Readonly<Record<string, readonly Row[] | undefined>>[] };
    return report[0]?.[of]?.[0] ?? null;
  } catch (error) {
    throw new ColdkeepError("refused", { what, on: program, why: "its answer is no report", cause: error });
  }
}

/** What can be mounted a second time from a snapshot, and how, is known of these. */
const TYPES = ["ext2", "ext3", "ext4", "xfs"];

function assertMountable(place: PlannedPlace, mount: Mount): void {
  assertAllMounted(place, mount);
  if (TYPES.includes(mount.type)) return;
  throw new ColdkeepError("config", {
    what: "freeze: lvm cannot read the file system of a root from a snapshot",
    on: place.root.path,
    why: `it is ${mount.type}; known are ${TYPES.join(", ")}`,
    todo: mount.type === "btrfs" ? "write freeze: btrfs" : "leave freeze out",
  });
}

function isOther({ root }: PlannedPlace, source: string): ColdkeepError {
  return new ColdkeepError("config", {
    what: "freeze: lvm, but a root lies on no logical volume",
    on: root.path,
    why: `it lies on ${source}, which LVM does not know`,
    todo: "leave freeze out, or make a node of what lies elsewhere",
  });
}

function noRoom({ root }: PlannedPlace, where: string, space: number, free: number): ColdkeepError {
  return new ColdkeepError("no-space", {
    what: "there is no room for a snapshot of the volume",
    on: `${where} (${root.path})`,
    why: `${space} bytes are wanted for what the node overwrites while it is read, and ${free} are free; the node was not stopped`,
    todo: "give the volume group more room, or say with snapshot_space how much will do",
  });
}
