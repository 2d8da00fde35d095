import { closeSync, constants, mkdirSync, openSync, rmdirSync } from "node:fs";
import { type Mount, mountIdOf, readMounts } from "../../../posix/mounts.ts";
import { fromSystemError } from "../../../posix/system-error.ts";
import { ColdkeepError, systemCode } from "../../../vault/names/index.ts";
import { fromText, type Latin1, toBytes, toText } from "../bytes.ts";
import type { PlannedPlace } from "../frozen-place.ts";
import { ASK_LIMIT, type VolumeContext } from "./types.ts";

/** The mount that a root lies on. @throws ColdkeepError. */
export function mountOf({ path, root }: Pick<PlannedPlace, "path" | "root">): Mount {
  try {
    const fd = openSync(toBytes(path), constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const id = mountIdOf(fd);
      const found = readMounts().find((mount) => mount.id === id);
      if (found !== undefined) return found;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fromSystemError(error, { what: "cannot find out what a root lies on", on: root.path, otherwise: "internal" });
  }
  throw new ColdkeepError("refused", { what: "it is not known what a root lies on", on: root.path });
}

/** Said where a root lies on no volume of the kind that was asked for. */
export function isElsewhere(kind: string, { root }: PlannedPlace, { type }: Mount): ColdkeepError {
  return new ColdkeepError("config", {
    what: `freeze: ${kind}, but a root lies on another file system`,
    on: root.path,
    why: `it is ${type}`,
    todo: "leave freeze out, or make a node of what lies elsewhere",
  });
}

/** @throws ColdkeepError `config` where only a folder of a volume is mounted: its snapshot begins at another place. */
export function assertAllMounted({ root }: PlannedPlace, { folder, point }: Mount): void {
  if (folder === "/") return;
  throw new ColdkeepError("config", {
    what: "no snapshot can be taken of the volume that holds a root",
    on: root.path,
    why: `what is mounted at ${toText(point)} is only a folder of it, ${toText(folder)}`,
    todo: "name the root by its place in the volume's own mount, or leave freeze out",
  });
}

/** A path as a word of a command. @throws ColdkeepError `refused` for one that is no text: it would name another. */
export function asWord(path: Latin1): string {
  const text = toText(path);
  if (fromText(text) === path) return text;
  throw new ColdkeepError("refused", {
    what: "no snapshot can be taken where a path is not UTF-8",
    on: text,
    todo: "leave freeze out, or rename the folder",
  });
}

/** Mounts a snapshot for reading alone at a new folder of ours. @throws ColdkeepError. */
export async function mountReadOnly(
  {
    source,
    type,
    options = [],
  }: { readonly source: string; readonly type: string; readonly options?: readonly string[] },
  point: Latin1,
  { tools }: VolumeContext,
): Promise<void> {
  mkdirSync(toBytes(point), { recursive: true, mode: 0o700 });
  const all = ["ro", "nosuid", "nodev", "noexec", ...options].join(",");
  const words = ["-t", type, "-o", all, source, asWord(point)];
  await tools("mount").must(words, { timeoutMs: ASK_LIMIT }, "refused", "cannot mount the snapshot");
}

/** Unmounts what is mounted at a folder of ours, and removes that; nothing there is no error. @throws ColdkeepError. */
export async function unmount(point: Latin1, { tools }: VolumeContext): Promise<void> {
  if (readMounts().some((mount) => mount.point === point)) {
    await tools("umount").must([asWord(point)], { timeoutMs: ASK_LIMIT }, "internal", "cannot unmount the snapshot");
  }
  try {
    rmdirSync(toBytes(point));
  } catch (error) {
    if (systemCode(error) !== "ENOENT") {
      throw fromSystemError(error, { what: "cannot remove a folder", on: toBytes(point), otherwise: "internal" });
    }
  }
}
