import type { MacKey } from "../suites/hashes.ts";
import { libgcrypt, must } from "./libgcrypt-library.ts";

// Constants of gcrypt.h.
const MAC_HMAC_SM3 = 128;
const CTL_RESET = 4;
const MAC_BYTES = 32;

/** HMAC-SM3 of parts that stand one behind the other. */
export type Hmac = (key: MacKey, parts: readonly Uint8Array[]) => Uint8Array;

/**
 * HMAC-SM3 of the system's libgcrypt, whose vector code is half as fast again as OpenSSL's SM3. Answers in words why not
 * where it cannot be had. One handle a thread.
 */
export function libgcryptHmac(): Hmac | string {
  const found = libgcrypt();
  if (typeof found === "string") return found;
  const { library, version } = found;
  const opened: unknown[] = [null];
  const open = library.func("unsigned int gcry_mac_open(_Out_ void **handle, int algo, unsigned int flags, void *ctx)");
  if (open(opened, MAC_HMAC_SM3, 0, null) !== 0) return `libgcrypt ${version} has no HMAC-SM3`;
  const [handle] = opened;
  const call = (name: string, rest: string) => library.func(`unsigned int gcry_mac_${name}(void *handle, ${rest})`);
  const setkey = call("setkey", "const void *key, size_t length");
  const ctl = call("ctl", "int command, void *buffer, size_t length");
  const write = call("write", "const void *data, size_t length");
  const read = call("read", "void *mac, _Inout_ size_t *length");
  let current: MacKey | null = null;

  /** A prepared key never changes, so the handle keeps it; bytes may. */
  function begin(key: MacKey): void {
    if (key === current) {
      must("reset", ctl(handle, CTL_RESET, null, 0));
      return;
    }
    const bytes = key instanceof Uint8Array ? key : key.export();
    current = null;
    must("setkey", setkey(handle, bytes, bytes.length));
    if (bytes === key) return;
    bytes.fill(0);
    current = key;
  }

  return (key, parts) => {
    begin(key);
    for (const part of parts) must("write", write(handle, part, part.length));
    const mac = new Uint8Array(MAC_BYTES);
    const length = [MAC_BYTES];
    must("read", read(handle, mac, length));
    if (length[0] !== MAC_BYTES) throw new Error(`libgcrypt: an HMAC-SM3 of ${length[0]} bytes`);
    return mac;
  };
}
