import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { fromSystemError, showPath } from "../../posix/system-error.ts";
import { ColdkeepError, systemCode } from "../../vault/names/index.ts";

export interface SecretFileOptions {
  /** What it is, for messages: "key file". */
  readonly noun: string;
  readonly maxBytes: number;
  /** Others may read it: a public key, or a credential, whose folder is guarded. Default false. */
  readonly open?: boolean;
}

/**
 * The content of a file that none but its owner can read.
 * @throws ColdkeepError `permission` where others can, `key` where it is missing, too large or no plain file.
 */
export function readSecretFile(path: string, o: SecretFileOptions): Buffer {
  const fd = open(path, o.noun);
  try {
    const info = fstatSync(fd);
    if (!info.isFile()) throw refused(path, o.noun, "it is not a plain file");
    if (o.open !== true && (info.mode & 0o077) !== 0) throw openToOthers(path, o.noun, info.mode & 0o777);
    if (info.size > o.maxBytes) {
      throw refused(path, o.noun, `it has ${info.size} bytes; a ${o.noun} has at most ${o.maxBytes}`);
    }
    const content = Buffer.alloc(o.maxBytes + 1);
    const length = readSync(fd, content, 0, content.length, 0);
    const bytes = Buffer.from(content.subarray(0, length));
    content.fill(0);
    return bytes;
  } catch (error) {
    throw fromSystemError(error, { what: `cannot read the ${o.noun}`, on: path, otherwise: "key" });
  } finally {
    closeSync(fd);
  }
}

function open(path: string, noun: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === "ENOENT") {
      throw new ColdkeepError("key", {
        what: `there is no ${noun}`,
        on: showPath(path),
        todo: "put the key there, or correct the path; a snapshot's own key is the only one that opens it",
      });
    }
    throw fromSystemError(error, { what: `cannot read the ${noun}`, on: path, otherwise: "key" });
  }
}

function refused(path: string, noun: string, why: string): ColdkeepError {
  return new ColdkeepError("key", { what: `cannot use the ${noun}`, on: showPath(path), why });
}

function openToOthers(path: string, noun: string, mode: number): ColdkeepError {
  return new ColdkeepError("permission", {
    what: `refused to use a ${noun} that others can read`,
    on: showPath(path),
    why: `its mode is ${mode.toString(8).padStart(3, "0")}, allowed is 600 or less`,
    todo: `run: chmod 600 ${showPath(path)}. If others use this machine, take a new key, too`,
  });
}
