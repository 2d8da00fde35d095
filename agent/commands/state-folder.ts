import { homedir } from "node:os";
import { join } from "node:path";

/** Where a host without configuration keeps what it must remember of a restore: journal and lock. */
export function stateFolderOf(env: Readonly<Record<string, string | undefined>>): string {
  if (process.geteuid?.() === 0) return "/var/lib/coldkeep";
  const given = env.XDG_STATE_HOME;
  return join(given?.startsWith("/") === true ? given : join(env.HOME ?? homedir(), ".local", "state"), "coldkeep");
}
