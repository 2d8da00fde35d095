import { spawnSync } from "node:child_process";
import { ColdkeepError } from "../vault/names/index.ts";
import { callError, libc } from "./libc.ts";

/**
 * Makes all that was written to the file system of an open file or folder durable (syncfs(2)): one call in the place of
 * a hundred thousand fsyncs. Without libc, sync(1) does the same.
 * @throws the system's error (EIO, ENOSPC: a write of before was lost); ColdkeepError `internal` where neither works.
 */
export function syncFileSystem(fd: number): void {
  const calls = libc();
  if (calls !== null) {
    if (calls.syncfs(fd) !== 0) throw callError("syncfs", calls.errno(), fd);
    return;
  }
  const { status, error, stderr } = spawnSync("sync", ["--file-system", `/proc/${process.pid}/fd/${fd}`]);
  if (status === 0) return;
  throw new ColdkeepError("internal", {
    what: "cannot make written files durable",
    why: error?.message ?? (stderr.toString("utf8").trim() || `sync ended with ${status}`),
    todo: "install sync of coreutils, or run where the package koffi can load",
  });
}
