import { ColdkeepError } from "../../vault/names/index.ts";
import type { Config } from "../config/index.ts";
import { runCommand } from "../node/index.ts";
import { type Check, ok, warn } from "./check.ts";
import type { Call } from "./define.ts";
import type { Io } from "./io.ts";

const REFILL_LIMIT_MS = 60_000;
const TODO =
  "take consume_key_file out, let systemd hand the key over (encrypt_key: credential:NAME), or name a command that puts it back (refill_key_file)";

/** The key file that a run empties and nothing puts back; null where there is none. */
function leftEmpty({ consumeKeyFile, keys, refillKeyFile }: Config): string | null {
  if (!consumeKeyFile || refillKeyFile !== undefined) return null;
  return keys.find((key) => key.kind === "software" && key.text.startsWith("/"))?.field ?? null;
}

/**
 * What a run needs of a key file that is emptied after reading: somebody who fills it again. Runs `refill_key_file` where
 * there is one; under a timer, where nobody sits to do it by hand, a file that stays empty is refused.
 * @throws ColdkeepError `refused`; `key` where the command fails.
 */
export async function refillKeyFile(config: Config, { io, progress }: Call): Promise<void> {
  const { refillKeyFile: command } = config;
  if (command !== undefined) {
    const { status, ending, tail } = await runCommand(command, { timeoutMs: REFILL_LIMIT_MS, signal: io.signal });
    if (status === 0) return;
    const why = [ending, tail].filter((part) => part !== "").join(": ");
    throw new ColdkeepError("key", { what: "the command that puts the key back failed", on: "refill_key_file", why });
  }
  const field = leftEmpty(config);
  if (field === null) return;
  if (!isUnderTimer(io.env)) {
    progress.warn(`the file of ${field} is empty after this run: put the key back before the next one`);
    return;
  }
  throw new ColdkeepError("refused", {
    what: "refused to empty a key file under a timer",
    on: field,
    why: "consume_key_file empties it now, and the next run of the timer finds no key",
    todo: TODO,
  });
}

/** systemd tells a service which timer started it (systemd.exec(5), since 251). */
function isUnderTimer(env: Io["env"]): boolean {
  return env.TRIGGER_UNIT?.endsWith(".timer") === true;
}

export function checkConsumed(config: Config): readonly Check[] {
  const field = leftEmpty(config);
  if (field !== null) {
    return [
      warn("key refilled", `the file of ${field} is emptied by each run, and a timer's second run finds no key`, TODO),
    ];
  }
  return config.refillKeyFile === undefined ? [] : [ok("key refilled", "by refill_key_file, before each run")];
}
