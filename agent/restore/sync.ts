import { fsyncSync } from "node:fs";
export function syncStaging(fds: readonly number[]): void {
  for (const fd of fds) fsyncSync(fd);
}
