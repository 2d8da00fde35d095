import { openSync } from "node:fs";
import { constants as system } from "node:os";
import { calledPath } from "./called-path.ts";
import { callError, libc } from "./libc.ts";

const DESCRIPTOR = /^\/proc\/self\/fd\/(\d+)$/;
/** open(2), the same number on all architectures Node 24 runs on. */
const O_CLOEXEC = 0o2000000;

let last = { base: "", folder: -1 };

/**
 * Opens `folder`/`name` below `base`, all latin1, one character a byte. Where `base` is `/proc/self/fd/N`, by openat(2)
 * from that descriptor: of a hundred thousand files the way through /proc costs more than what follows it.
 * @returns the descriptor, for the caller to close. @throws the system's error.
 */
export function openBelow(base: string, path: string, flags: number, mode: number): number {
  const calls = libc();
  const folder = descriptorOf(base);
  const slash = path.lastIndexOf("/");
  const called =
    calls === null || folder < 0 || slash <= 0 ? null : calledPath(path.slice(0, slash), path.slice(slash + 1));
  const whole = () => Buffer.from(`${base}/${path}`, "latin1");
  if (calls === null || called === null) return openSync(whole(), flags, mode);
  for (;;) {
    const fd = calls.openat(folder, called, flags | O_CLOEXEC, mode);
    if (fd >= 0) return fd;
    const errno = calls.errno();
    if (errno !== system.errno.EINTR) throw callError("open", errno, whole());
  }
}

/** -1 where it is no such path. */
function descriptorOf(base: string): number {
  if (base !== last.base) last = { base, folder: Number(DESCRIPTOR.exec(base)?.[1] ?? -1) };
  return last.folder;
}
