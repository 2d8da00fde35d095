import type { Call } from "./define.ts";
import { stretchAhead } from "./keys-ahead.ts";
import { openSession, type Session } from "./session.ts";
import { endTreeAhead, startTreeAhead } from "./tree-ahead.ts";

/**
 * What a backup has other threads do while its own code is loaded and the vault is looked at. Whatever is wrong is for the command to
 * find and to say.
 */
export async function beginAhead(call: Call): Promise<void> {
  const session = quietSession(call);
  if (session === null) return;
  startTreeAhead(session.node);
  await stretchAhead(session, call);
}

/** Whatever became of the command. */
export function endAhead(): void {
  endTreeAhead();
}

function quietSession(call: Call): Session | null {
  try {
    return openSession({ ...call, progress: { ...call.progress, warn: () => {} } });
  } catch {
    return null;
  }
}
