import { closeSync } from "node:fs";
import { ColdkeepError } from "../../names/index.ts";
import type { ObjectInfo, Reader, StoredObject } from "../facets.ts";
import { assertCount, splitName } from "../object-name.ts";
import { vaultError } from "./errors.ts";
import { infoOf, type OpenObject, openObject, readAt, readInto, statObject } from "./files.ts";
import { openFolder, type VaultRoot } from "./folders.ts";

const DEFAULT_MAX = 64 << 20;

/** Reader over a folder. */
export function directoryReader(root: VaultRoot): Reader {
  return {
    head: async (name) => headObject(root, name),
    get: async (name, options) =>
      withObject(root, name, (object) => readWhole(root, name, object, options?.maxBytes ?? DEFAULT_MAX)),
    getRange: async (name, offset, length, memory) => {
      assertCount("offset", offset);
      assertCount("length", length);
      return withObject(root, name, (object) => readRange(root, name, object, offset, length, memory));
    },
  };
}

/** What lies at `name` now; null where nothing does. */
function headObject(root: VaultRoot, name: string): ObjectInfo | null {
  const parts = splitName(name);
  try {
    const folder = openFolder(root, parts.slice(0, -1), false);
    if (folder === null) return null;
    try {
      const stats = statObject(root, folder, parts.at(-1) ?? "", name);
      return stats === null ? null : infoOf(stats);
    } finally {
      folder.close();
    }
  } catch (error) {
    throw vaultError(error, "cannot look at an object", `${root.path}/${name}`);
  }
}

async function withObject<T>(
  root: VaultRoot,
  name: string,
  use: (object: OpenObject) => Promise<T>,
): Promise<T | null> {
  const parts = splitName(name);
  try {
    const folder = openFolder(root, parts.slice(0, -1), false);
    if (folder === null) return null;
    let object: OpenObject | null;
    try {
      object = openObject(root, folder, parts.at(-1) ?? "", name);
    } finally {
      folder.close();
    }
    if (object === null) return null;
    try {
      return await use(object);
    } finally {
      closeSync(object.fd);
    }
  } catch (error) {
    throw vaultError(error, "cannot read an object", `${root.path}/${name}`);
  }
}

async function readWhole(root: VaultRoot, name: string, object: OpenObject, max: number): Promise<StoredObject> {
  const { fd, info } = object;
  if (info.size > max) throw wrongSize(root, name, `it has ${info.size} bytes, at most ${max} are allowed here`);
  const bytes = await readAt(fd, 0, info.size);
  if (bytes.length === info.size) return { bytes, info };
  throw wrongSize(root, name, `${bytes.length} bytes could be read of the ${info.size} it had when opened`);
}

async function readRange(
  root: VaultRoot,
  name: string,
  object: OpenObject,
  offset: number,
  length: number,
  memory?: Uint8Array,
) {
  const { fd, info } = object;
  const wanted = `bytes ${offset} to ${offset + length} are wanted`;
  if (offset + length > info.size) throw wrongSize(root, name, `it ends at ${info.size}, ${wanted}`);
  const bytes = await (memory === undefined ? readAt(fd, offset, length) : readInto(fd, offset, length, memory));
  if (bytes.length === length) return bytes;
  throw wrongSize(root, name, `it ended at ${offset + bytes.length} while read, ${wanted}`);
}

function wrongSize(root: VaultRoot, name: string, why: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "an object does not have the size expected",
    on: `${root.path}/${name}`,
    why,
  });
}
