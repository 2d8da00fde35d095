import type { Call } from "./define.ts";
import { stretchAhead } from "./keys-ahead.ts";
import { openSession, type Session } from "./session.ts";
import { endThreadsAhead, startThreadsAhead } from "./threads-ahead.ts";
import { endTreeAhead, startTreeAhead } from "./tree-ahead.ts";

/**
 * What a backup has other threads do while its own code is loaded and the vault is looked at. Whatever is wrong is for the command to
 * find and to say.
 */
export async function beginAhead(call: Call<{ readonly full?: boolean }>): Promise<void> {
  const session = quietSession(call);
  if (session === null) return;
  startTreeAhead(session.node);
  tryTo(() => startThreadsAhead(session, call.flags.full === true));
  await stretchAhead(session, call);
}

/** Whatever became of the command. */
export async function endAhead(): Promise<void> {
  endTreeAhead();
  await endThreadsAhead();
}

function quietSession(call: Call): Session | null {
  return tryTo(() => openSession({ ...call, progress: { ...call.progress, warn: () => {} } }));
}

function tryTo<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}
