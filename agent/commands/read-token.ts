import { closeSync, openSync, readSync } from "node:fs";
import { resolve } from "node:path";
import { ColdkeepError, messageOf } from "../../vault/names/index.ts";

const MAX = 8192;

/**
 * The one line of a file that holds a ticket or a share token; `-` is standard input. It never stands on a command line,
 * which every process of the host can read.
 * @throws ColdkeepError `usage`, without anything of what was read.
 */
export function readToken(path: string): string {
  const on = path === "-" ? "standard input" : path;
  // Whoever pastes the token itself must not find it in an error.
  if (/^ck(t|share)\d/.test(path)) {
    throw new ColdkeepError("usage", {
      what: "the file of a token is expected, and not the token itself",
      why: "a command line can be read by every process of this host",
      todo: "put it into a file of mode 600, or give - and pipe it in; and have this one revoked",
    });
  }
  const buffer = Buffer.alloc(MAX + 1);
  let length = 0;
  try {
    const fd = path === "-" ? 0 : openSync(resolve(path), "r");
    try {
      for (let count = -1; count !== 0 && length < buffer.length; length += count) {
        count = readSync(fd, buffer, length, buffer.length - length, null);
      }
    } finally {
      if (fd !== 0) closeSync(fd);
    }
  } catch (error) {
    throw new ColdkeepError("usage", { what: "cannot read the token", on, why: messageOf(error), cause: error });
  }
  const lines = buffer
    .toString("latin1", 0, length)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  buffer.fill(0);
  const [line, ...more] = lines;
  if (line !== undefined && more.length === 0 && length <= MAX) return line;
  throw new ColdkeepError("usage", { what: "there is no token", on, why: "one line is expected" });
}
