import { type LoadedKey, loadRecipients } from "../keys/index.ts";
import { openNodeState } from "../state/index.ts";
import type { Call } from "./define.ts";
import { assertStrict, contextOf, suiteOf } from "./opened.ts";
import type { Session } from "./session.ts";

/** Keys that are read, and what wraps by them: being stretched already. */
interface ReadyKeys {
  readonly keys: readonly LoadedKey[];
  readonly recipients: readonly ReturnType<LoadedKey["toRecipient"]>[];
}

let begun: { readonly of: string; readonly ready: ReadyKeys } | null = null;

/**
 * Begins to stretch a node's software keys before the code of the command is loaded: a third of a second of another thread,
 * which nothing can make shorter. Only where looking at the keys changes nothing and asks nobody; whatever is wrong is
 * for the command to find and to say.
 */
export async function stretchAhead(session: Session, call: Call): Promise<void> {
  try {
    const { config, node } = session;
    const isPlain = config.keys.every((key) => key.kind === "software" && !key.consume);
    if (!isPlain || config.refillKeyFile !== undefined) return;
    const state = openNodeState(config.stateDir, node.name);
    const suite = suiteOf(config);
    const keys = await loadRecipients(config.keys, contextOf(config, call));
    assertStrict(config, keys);
    const recipients = keys.map((key) => key.toRecipient((label) => state.stretch(label, suite, neverMade)));
    for (const recipient of recipients) recipient.prepare?.(suite);
    begun = { of: signOf(session), ready: { keys, recipients } };
  } catch {
    // The command comes by the same.
  }
}

/** What was begun for this very node and these very keys, once; else null. */
export function takeKeysAhead(session: Session): ReadyKeys | null {
  const found = begun;
  begun = null;
  return found?.of === signOf(session) ? found.ready : null;
}

function signOf({ config, node }: Session): string {
  return JSON.stringify([node.name, config.stateDir, config.encryptor, config.strictSm, config.keys]);
}

/** Parameters are made under the node's lock. */
function neverMade(): never {
  throw new Error("this key was never stretched on this host");
}
