import { ColdkeepError } from "../../../vault/names/index.ts";
import { assertAllMounted, isElsewhere, mountOf, mountReadOnly, unmount } from "./mounted.ts";
import { ASK_LIMIT, type RecordOf, TAKE_LIMIT, type VolumeContext, type Volumes } from "./types.ts";

/** A property of our own on our snapshots: whose each is. */
const PROPERTY = "coldkeep:snapshot";

/** Snapshots of the data set that a root lies on, mounted for reading alone. */
export const zfs: Volumes<"zfs"> = {
  async plan(place, index, context) {
    const mount = mountOf(place);
    if (mount.type !== "zfs") throw isElsewhere("zfs", place, mount);
    assertAllMounted(place, mount);
    const dataset = mount.source;
    const words = ["list", "-H", "-o", "name", dataset];
    await context.tools("zfs").must(words, { timeoutMs: ASK_LIMIT }, "config", "cannot take snapshots");
    return {
      record: { kind: "zfs", dataset, name: context.name(index) },
      label: `ZFS data set ${dataset}`,
      top: mount.point,
    };
  },
  async take(record, { tools }) {
    const words = ["snapshot", "-o", `${PROPERTY}=${record.name}`, nameOf(record)];
    await tools("zfs").must(words, { timeoutMs: TAKE_LIMIT }, "refused", "cannot take a snapshot of the data set");
  },
  async open(record, index, context) {
    const point = context.mountPoint(index);
    await mountReadOnly({ source: nameOf(record), type: "zfs" }, point, context);
    return point;
  },
  async remove(record, index, context) {
    await unmount(context.mountPoint(index), context);
    const owner = await ownerOf(record, context);
    if (owner === null) return;
    if (owner !== record.name) {
      throw new ColdkeepError("refused", {
        what: "a snapshot has the name of one of coldkeep's, and is none",
        on: nameOf(record),
        todo: "find out what it is; it was left alone",
      });
    }
    // Without -r and -R: this one and nothing else.
    const words = ["destroy", nameOf(record)];
    await context.tools("zfs").must(words, { timeoutMs: ASK_LIMIT }, "internal", "cannot remove the snapshot");
  },
};

function nameOf({ dataset, name }: RecordOf<"zfs">): string {
  return `${dataset}@${name}`;
}

/** Whose the snapshot of that name is; null where there is none. */
async function ownerOf(record: RecordOf<"zfs">, { tools }: VolumeContext): Promise<string | null> {
  const words = ["list", "-H", "-t", "snapshot", "-d", "1", "-o", `name,${PROPERTY}`, record.dataset];
  const all = await tools("zfs").must(words, { timeoutMs: ASK_LIMIT }, "internal", "cannot list snapshots");
  const rows = all.split("\n").map((line) => line.split("\t"));
  return rows.find(([name]) => name === nameOf(record))?.[1] ?? null;
}
