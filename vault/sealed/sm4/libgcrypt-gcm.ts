import { type Aead, type AeadKey, TAG_BYTES } from "../suites/aead.ts";
import { codeOf, type Library, libgcrypt, must } from "./libgcrypt-library.ts";

// Constants of gcrypt.h; the ABI of libgcrypt.so.20 keeps them since 1.6.
const ALGO_SM4 = 318;
const MODE_GCM = 9;
const CTL_RESET = 4;
const CTL_FINALIZE = 5;
const ERR_CHECKSUM = 10;

/** The calls that GCM takes, as gcrypt.h declares them; all answer 0 or an error. */
interface Calls {
  setkey(handle: unknown, key: Uint8Array, length: number): number;
  setiv(handle: unknown, iv: Uint8Array, length: number): number;
  ctl(handle: unknown, command: number, buffer: null, length: number): number;
  authenticate(handle: unknown, aad: Uint8Array, length: number): number;
  encrypt(handle: unknown, out: Uint8Array, room: number, input: Uint8Array, length: number): number;
  decrypt(handle: unknown, out: Uint8Array, room: number, input: Uint8Array, length: number): number;
  gettag(handle: unknown, tag: Uint8Array, length: number): number;
  checktag(handle: unknown, tag: Uint8Array, length: number): number;
}

/**
 * SM4-GCM of the system's libgcrypt, which has it in vector code. Debian and Ubuntu build it with SM4, the Fedora and
 * RHEL family without, and in FIPS mode there is none: so this is a fast path and never a given. Answers in words why
 * not where it cannot be had. One handle a thread, as handles are not to be shared.
 */
export function libgcryptGcm(): Aead | string {
  const found = libgcrypt();
  if (typeof found === "string") return found;
  const { library, version } = found;
  const opened: unknown[] = [null];
  const open = library.func(
    "unsigned int gcry_cipher_open(_Out_ void **handle, int algo, int mode, unsigned int flags)",
  );
  const error = open(opened, ALGO_SM4, MODE_GCM, 0);
  if (error !== 0)
    return `libgcrypt ${version} has no SM4-GCM (error ${codeOf(error)}): built without it, or in FIPS mode`;
  return gcmOf(callsOf(library), opened[0]);
}

function callsOf(library: Library): Calls {
  const call = (name: string, rest: string) => library.func(`unsigned int gcry_cipher_${name}(void *handle, ${rest})`);
  return {
    setkey: call("setkey", "const void *key, size_t length"),
    setiv: call("setiv", "const void *iv, size_t length"),
    ctl: call("ctl", "int command, void *buffer, size_t length"),
    authenticate: call("authenticate", "const void *aad, size_t length"),
    encrypt: call("encrypt", "void *out, size_t room, const void *input, size_t length"),
    decrypt: call("decrypt", "void *out, size_t room, const void *input, size_t length"),
    gettag: call("gettag", "void *tag, size_t length"),
    checktag: call("checktag", "const void *tag, size_t length"),
  };
}

function gcmOf(calls: Calls, handle: unknown): Aead {
  let current: AeadKey | null = null;

  /** Readies the handle for one message: key, nonce, associated data, and that all of the text comes at once. */
  function begin(key: AeadKey, bytes: Uint8Array, nonce: Uint8Array, aad: Uint8Array): void {
    if (current !== key) {
      current = null;
      must("setkey", calls.setkey(handle, bytes, bytes.length));
      current = key;
    }
    must("reset", calls.ctl(handle, CTL_RESET, null, 0));
    must("setiv", calls.setiv(handle, nonce, nonce.length));
    must("authenticate", calls.authenticate(handle, aad, aad.length));
    must("finalize", calls.ctl(handle, CTL_FINALIZE, null, 0));
  }

  return {
    prepare(bytes) {
      const own = Uint8Array.from(bytes);
      const key: AeadKey = {
        sealInto(nonce, aad, plain, out, at) {
          begin(key, own, nonce, aad);
          const body = out.subarray(at, at + plain.length);
          must("encrypt", calls.encrypt(handle, body, body.length, plain, plain.length));
          must(
            "gettag",
            calls.gettag(handle, out.subarray(at + plain.length, at + plain.length + TAG_BYTES), TAG_BYTES),
          );
        },
        open(nonce, aad, sealed) {
          begin(key, own, nonce, aad);
          const end = sealed.length - TAG_BYTES;
          const plain = new Uint8Array(end);
          must("decrypt", calls.decrypt(handle, plain, end, sealed.subarray(0, end), end));
          const error = codeOf(calls.checktag(handle, sealed.subarray(end), TAG_BYTES));
          if (error === 0) return plain;
          plain.fill(0);
          if (error !== ERR_CHECKSUM) must("checktag", error);
          return null;
        },
      };
      return key;
    },
  };
}
