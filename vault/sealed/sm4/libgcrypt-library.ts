import { createRequire } from "node:module";

/** A loaded library of koffi's. */
export type Library = ReturnType<typeof import("koffi")["load"]>;

// Constants of gcrypt.h; the ABI of libgcrypt.so.20 keeps them since 1.6.
const CONTROL_DISABLE_SECMEM = 37;
const CONTROL_INITIALIZATION_FINISHED = 38;
const CONTROL_INITIALIZATION_FINISHED_P = 39;
/** Error codes are in the low 16 bits; the rest names the library. */
const CODE = 0xffff;

let loaded: { readonly library: Library; readonly version: string } | string | undefined;

/**
 * The system's libgcrypt, ready for use; in words why not where it is too old. Loaded once a thread.
 * @throws Error where there is none.
 */
export function libgcrypt(): { readonly library: Library; readonly version: string } | string {
  loaded ??= load();
  return loaded;
}

function load(): { readonly library: Library; readonly version: string } | string {
  const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
  const library = koffi.load("libgcrypt.so.20");
  const version: string | null = library.func("const char *gcry_check_version(const char *wanted)")("1.9.0");
  if (version === null) return "it is older than 1.9.0, the first with SM4";
  const control = library.func("unsigned int gcry_control(int command, ...)");
  if (control(CONTROL_INITIALIZATION_FINISHED_P) === 0) {
    control(CONTROL_DISABLE_SECMEM, "int", 0);
    control(CONTROL_INITIALIZATION_FINISHED, "int", 0);
  }
  return { library, version };
}

/** The code of an error, without what names the library. */
export function codeOf(error: number): number {
  return error & CODE;
}

/** @throws Error where a call that cannot fail in honest use did. */
export function must(call: string, error: number): void {
  if (error !== 0) throw new Error(`libgcrypt: ${call} failed with error ${codeOf(error)}`);
}
