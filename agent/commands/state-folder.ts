import { homedir } from "node:os";
import { join } from "node:path";

/** Where a host without configuration keeps what it must remember of a restore: journal and lock. */
export function stateFolderOf(env: Readonly<Record<string, string | undefined>>): string {
  const given = env.XDG_STATE_HOME;
  if (given?.startsWith("/") === true) return join(given, "coldkeep");
  if (process.geteuid?.() === 0) return "/var/lib/coldkeep";
  return join(env.HOME ?? homedir(), ".local", "state", "coldkeep");
}
