import { oneOf, text } from "./schema-parts.ts";

const UNITS = { MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;
const SIZE = /^([1-9]\d{0,5})(MiB|GiB|TiB)$/;

/** How a node's files become a view that it cannot change. */
export const FREEZE_FIELDS = {
  freeze: oneOf(
    ["auto", "reflink", "hardlink", "copy", "btrfs", "lvm", "zfs"],
    "how files are frozen: auto takes a snapshot where each root is a btrfs subvolume, else hard links, reflinks and copies; reflink, hardlink (and copies) and copy use nothing else; the others take a snapshot of the volume",
  ).default("auto"),
  snapshot_space: text(
    "a size such as 20GiB",
    SIZE,
    "with freeze: lvm, room for what is overwritten in the volume while a backup reads its snapshot; default: a tenth of the volume",
  ).optional(),
};

/** Bytes of a size that the schema has let through. */
export function bytesOf(size: string): number {
  const [, number = "0", unit = "MiB"] = SIZE.exec(size) ?? [];
  return Number(number) * (UNITS[unit as keyof typeof UNITS] ?? 0);
}
