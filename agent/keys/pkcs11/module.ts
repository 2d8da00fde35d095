import type * as Pkcs11 from "pkcs11js";
import { ColdkeepError, messageOf } from "../../../vault/names/index.ts";
import { codeOf } from "./errors.ts";
import { watched } from "./watchdog.ts";

/** The package and one vendor's library, initialised. */
export interface Module {
  readonly api: typeof Pkcs11;
  readonly lib: Pkcs11.PKCS11;
  /** Lets the library look for tokens anew: some list them only when they are initialised. All sessions are gone. */
  restart(): void;
}

/** C_Initialize comes once a process and library (PKCS#11 2.40 section 5.4), however many keys are in it. */
const opened = new Map<string, Promise<Module>>();

/** The default of pkcs11.timeout. */
const LIMIT_MS = 10_000;

/**
 * Loads a vendor's library.
 * @param limitMs After this time it is said that a call does not return; the first who loads a library decides.
 * @throws ColdkeepError `key`.
 */
export function openModule(library: string, limitMs = LIMIT_MS): Promise<Module> {
  const found = opened.get(library) ?? load(library, limitMs);
  opened.set(library, found);
  // A failure is not kept: the next call may find the library in place.
  found.catch(() => opened.delete(library));
  return found;
}

async function load(library: string, limitMs: number): Promise<Module> {
  const api = await loadPackage();
  const lib = watched(new api.PKCS11(), { library, limitMs });
  try {
    lib.load(library);
  } catch (error) {
    throw new ColdkeepError("key", {
      what: "cannot load the PKCS#11 library",
      on: library,
      why: messageOf(error),
      todo: "correct pkcs11.library: the vendor's .so for this machine's processor",
      cause: error,
    });
  }
  initialize(api, lib, library);
  return {
    api,
    lib,
    restart() {
      try {
        lib.C_Finalize();
      } catch {
        // A library that lost its token may refuse even this; it is initialised anew all the same.
      }
      initialize(api, lib, library);
    },
  };
}

/** pkcs11js is native and optional: npm leaves it out without a word where it cannot be built. */
async function loadPackage(): Promise<typeof Pkcs11> {
  try {
    const found = (await import("pkcs11js")) as typeof Pkcs11 & { readonly default?: typeof Pkcs11 };
    return found.default ?? found;
  } catch (error) {
    throw new ColdkeepError("key", {
      what: "this installation of coldkeep cannot talk to HSMs",
      on: "pkcs11js",
      why: "the package is missing: it is compiled when coldkeep is installed, and that failed",
      todo: "install g++, make and python3 and Node's headers, then run: npm rebuild pkcs11js",
      cause: error,
    });
  }
}

function initialize(api: typeof Pkcs11, lib: Pkcs11.PKCS11, library: string): void {
  try {
    lib.C_Initialize({ flags: api.CKF_OS_LOCKING_OK });
  } catch (error) {
    if (codeOf(error) === api.CKR_CRYPTOKI_ALREADY_INITIALIZED) return;
    throw new ColdkeepError("key", {
      what: "the PKCS#11 library does not start",
      on: library,
      why: messageOf(error),
      todo: "see the vendor's manual for its configuration file and environment variables",
      cause: error,
    });
  }
}
