import { ColdkeepError, messageOf } from "../../../vault/names/index.ts";

/** The CKR_ code of an error of the library, or null. */
export function codeOf(error: unknown): number | null {
  if (typeof error !== "object" || error === null || !("code" in error)) return null;
  return typeof error.code === "number" ? error.code : null;
}

/** Return values (PKCS#11 2.40 section 5.1) after which sessions are worthless, and opening new ones may help. */
const GONE = new Set([
  0x30, // CKR_DEVICE_ERROR
  0x32, // CKR_DEVICE_REMOVED
  0xb0, // CKR_SESSION_CLOSED
  0xb3, // CKR_SESSION_HANDLE_INVALID
  0xe0, // CKR_TOKEN_NOT_PRESENT
  0xe1, // CKR_TOKEN_NOT_RECOGNIZED
  0x101, // CKR_USER_NOT_LOGGED_IN
  0x190, // CKR_CRYPTOKI_NOT_INITIALIZED
]);

export function isGone(error: unknown): boolean {
  return GONE.has(codeOf(error) ?? -1);
}

const WORDS: Readonly<Record<string, readonly [why: string, todo: string]>> = {
  CKR_PIN_INCORRECT: ["the PIN is wrong", "correct the password before the next try: a few wrong ones lock the token"],
  CKR_PIN_LOCKED: ["the PIN is locked after too many wrong ones", "let the token's security officer reset it"],
  CKR_PIN_EXPIRED: ["the PIN has expired", "set a new one with the vendor's tool"],
  CKR_PIN_LEN_RANGE: ["the PIN is shorter or longer than the token takes", "correct the password"],
  CKR_USER_PIN_NOT_INITIALIZED: ["the token has no user PIN yet", "set one with the vendor's tool"],
  CKR_SESSION_COUNT: ["the token has no session left", "end other programs that use it, or lower session_cache_size"],
  CKR_DEVICE_REMOVED: ["the token was removed", "connect it again"],
  CKR_TOKEN_NOT_PRESENT: ["the token is not there", "connect it again"],
  CKR_KEY_FUNCTION_NOT_PERMITTED: ["the key may not be used for this", "allow wrapping and unwrapping with it"],
};

/** An error of the library in words. The PIN is never in it: it goes to the library and nowhere else. */
export function tokenError(error: unknown, what: string, on: string): ColdkeepError {
  if (error instanceof ColdkeepError) return error;
  const name = messageOf(error).split(/[\s:]/)[0] ?? "";
  const [why, todo] = WORDS[name] ?? [`the token says ${name === "" ? "no" : name}`, undefined];
  return new ColdkeepError("key", {
    what,
    on,
    why,
    ...(todo === undefined ? {} : { todo }),
    cause: error,
    retryable: isGone(error),
  });
}
