import { timingSafeEqual } from "node:crypto";
import { ColdkeepError, isColdkeepError } from "../../vault/names/index.ts";
import type { LoadedKey } from "../keys/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { keyByPlace } from "./key-by-place.ts";
import { goingKey, keyNodes, loadAdded, loadOne, noStretch, rekeyAll } from "./key-context.ts";
import type { RotateFlags } from "./key-rotate.command.ts";
import { suiteOf } from "./opened.ts";

type Suite = ReturnType<typeof suiteOf>;

/** `coldkeep key rotate`. */
export async function run(call: Call<RotateFlags>): Promise<Answer> {
  const { old = [] } = call.flags;
  if (old.length === 0) {
    throw new ColdkeepError("usage", {
      what: "which key is to open nothing any more?",
      todo: "name it with --old; `coldkeep key add` adds a key and removes none",
    });
  }
  const { config } = keyNodes(call);
  const add = await loadAdded(call, config, config.keys);
  const settings = old.map((text) => keyByPlace(text, "--old", config.token));
  const leaving = await Promise.all(settings.map((setting) => loadOne(call, config, setting)));
  for (const key of leaving) await assertNotAdded(key, add, suiteOf(config));
  return await rekeyAll(call, { add, going: leaving.map(goingKey) });
}

/** A key that is rotated to itself, under another name perhaps, would open everything as before. @throws ColdkeepError `refused`. */
async function assertNotAdded(key: LoadedKey, add: readonly LoadedKey[], suite: Suite): Promise<void> {
  for (const one of add) {
    if (!(await isSame(key, one, suite))) continue;
    throw new ColdkeepError("refused", {
      what: "will not rotate away from a key that new snapshots are still encrypted for",
      on: one.setting.field,
      why: `${key.label} is that key`,
      todo: "write the new key into the configuration first",
    });
  }
}

async function isSame(a: LoadedKey, b: LoadedKey, suite: Suite): Promise<boolean> {
  if (a.software !== undefined || b.software !== undefined) {
    return a.software !== undefined && b.software !== undefined && equalBytes(a.software.bytes, b.software.bytes);
  }
  // To tell an alias in KMS from another takes a call that this host may not be allowed.
  if (a.setting.kind === "kms" || b.setting.kind === "kms") return a.label === b.label;
  const [one, other] = [await slotLabel(a, suite), await slotLabel(b, suite)];
  return one !== null && one === other;
}

/** Null for a key in a token that opens and does not wrap: it may well be an old one. */
async function slotLabel(key: LoadedKey, suite: Suite): Promise<string | null> {
  try {
    const recipient = key.toRecipient(noStretch);
    return `${recipient.type} ${await recipient.kid(suite)}`;
  } catch (error) {
    if (isColdkeepError(error, "key")) return null;
    throw error;
  }
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
