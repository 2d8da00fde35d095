import { setTimeout as sleep } from "node:timers/promises";
import type { Handle } from "pkcs11js";
import { ColdkeepError } from "../../../vault/names/index.ts";
import type { TokenSettings } from "../types.ts";
import { codeOf, isGone, tokenError } from "./errors.ts";
import { type Module, openModule } from "./module.ts";

/** A session that is logged in, for the length of one call. */
export interface Session {
  readonly module: Module;
  readonly handle: Handle;
}

/** A token, found and logged in to. */
export interface Token {
  readonly serial: string;
  readonly mechanisms: ReadonlySet<number>;
  /**
   * Runs `work` with a session that nobody else uses meanwhile, at most `sessions` at once. Where the token went away, it
   * is looked for and logged in to again, and `work` begins anew; it must therefore be harmless to repeat.
   * @param what what is tried, for messages
   * @throws ColdkeepError `key`.
   */
  use<T>(what: string, work: (session: Session) => Promise<T>): Promise<T>;
}

/** Pauses before the token is looked for again, in milliseconds. */
const PAUSES = [100, 1000];
const CKF_USER_PIN_FINAL_TRY = 0x20000;
const CKF_USER_PIN_LOCKED = 0x40000;

/** Opens the token of that label or serial number. `pin` is asked for once. @throws ColdkeepError `key`. */
export async function openToken(settings: TokenSettings, pin: () => Promise<string>): Promise<Token> {
  const { label, sessions, timeoutMs } = settings;
  const module = await openModule(settings.library, timeoutMs);
  const { api, lib } = module;
  let slot = firstLook(module, settings);
  const secret = await pin();
  const idle: Handle[] = [];
  const waiting: (() => void)[] = [];
  let out = 0;

  const openSession = (): Handle => {
    const handle = lib.C_OpenSession(slot.handle, api.CKF_SERIAL_SESSION | api.CKF_RW_SESSION);
    try {
      // The login is the application's, not the session's: all sessions on the token share it.
      lib.C_Login(handle, api.CKU_USER, secret);
    } catch (error) {
      if (codeOf(error) !== api.CKR_USER_ALREADY_LOGGED_IN) {
        lib.C_CloseSession(handle);
        throw error;
      }
    }
    return handle;
  };
  const take = async (): Promise<Handle> => {
    for (;;) {
      if (out < sessions) {
        // Counted before anything is waited for, or many at once would each find room.
        out += 1;
        try {
          return idle.pop() ?? openSession();
        } catch (error) {
          out -= 1;
          // Other programs may hold the rest: as long as one of ours will come back, it is waited for.
          if (codeOf(error) !== api.CKR_SESSION_COUNT || out === 0) throw error;
        }
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  const once = async <T>(what: string, work: (session: Session) => Promise<T>): Promise<T> => {
    const handle = await take();
    let sound = false;
    try {
      const result = await limited(work({ module, handle }), timeoutMs, what, label);
      sound = true;
      return result;
    } finally {
      out -= 1;
      // After a failure a session may be in the middle of an operation, which some tokens never end: a new one is taken.
      if (sound) idle.push(handle);
      else closeQuietly(module, handle);
      waiting.shift()?.();
    }
  };
  const lookAgain = () => {
    for (const handle of idle.splice(0)) closeQuietly(module, handle);
    if (out === 0) module.restart();
    slot = findSlot(module, settings);
  };

  const token: Token = {
    serial: slot.serial,
    mechanisms: new Set(lib.C_GetMechanismList(slot.handle)),
    async use(what, work) {
      for (const pause of [...PAUSES, null]) {
        try {
          return await once(what, work);
        } catch (error) {
          if (pause === null || !isGone(error)) throw tokenError(error, what, `token ${label}`);
        }
        await sleep(pause);
        try {
          lookAgain();
        } catch (error) {
          if (pause === PAUSES.at(-1)) throw tokenError(error, what, `token ${label}`);
        }
      }
      throw new RangeError("the last attempt returns or throws");
    },
  };
  await token.use("cannot log in to the token", async () => {});
  return token;
}

/** A library that lost its tokens before may want to be initialised anew. */
function firstLook(module: Module, settings: TokenSettings): Slot {
  const what = "cannot look for the token";
  try {
    return findSlot(module, settings);
  } catch (error) {
    if (!isGone(error)) throw tokenError(error, what, `token ${settings.label}`);
  }
  try {
    module.restart();
    return findSlot(module, settings);
  } catch (error) {
    throw tokenError(error, what, `token ${settings.label}`);
  }
}

interface Slot {
  readonly handle: Handle;
  readonly serial: string;
}

function findSlot({ lib }: Module, { label, library }: TokenSettings): Slot {
  const seen: string[] = [];
  for (const handle of lib.C_GetSlotList(true)) {
    const info = lib.C_GetTokenInfo(handle);
    const found = { label: info.label.trim(), serial: info.serialNumber.trim() };
    if (found.label !== label && found.serial !== label) {
      if (found.label !== "") seen.push(found.label);
      continue;
    }
    if ((info.flags & CKF_USER_PIN_LOCKED) !== 0) {
      throw tokenError(new Error("CKR_PIN_LOCKED"), "cannot log in to the token", `token ${label}`);
    }
    if ((info.flags & CKF_USER_PIN_FINAL_TRY) !== 0) {
      throw new ColdkeepError("key", {
        what: "will not log in to the token",
        on: `token ${label}`,
        why: "the next wrong PIN locks it, and this run cannot know whether its PIN is right",
        todo: "log in once by hand with the right one, which sets the count back; then correct the password here",
      });
    }
    return { handle, serial: found.serial };
  }
  throw new ColdkeepError("key", {
    what: "there is no token of this label or serial number",
    on: label,
    why: seen.length === 0 ? `${library} sees no token` : `${library} sees ${seen.toSorted().join(", ")}`,
    todo: "correct pkcs11.label, or connect the token",
    retryable: true,
  });
}

async function limited<T>(work: Promise<T>, timeoutMs: number, what: string, label: string): Promise<T> {
  const end = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: end.signal, ref: false }).then(() => {
    throw new ColdkeepError("key", {
      what,
      on: `token ${label}`,
      why: `it did not answer within ${timeoutMs / 1000} s`,
      todo: "look at the HSM and the line to it, or raise pkcs11.timeout",
      retryable: true,
    });
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    end.abort();
    late.catch(() => {});
  }
}

function closeQuietly({ lib }: Module, handle: Handle): void {
  try {
    lib.C_CloseSession(handle);
  } catch {
    // It is gone already, or the token is.
  }
}
