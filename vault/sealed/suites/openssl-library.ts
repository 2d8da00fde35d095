import { createRequire } from "node:module";

/** Declares a function of the OpenSSL that this very Node carries, or was linked with, as its header does. */
export type Declare = ReturnType<typeof import("koffi")["load"]>["func"];

/** @throws Error where there is no koffi, and the one declared throws where that OpenSSL has no such function. */
export function ownOpenssl(): Declare {
  const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
  const own = koffi.load(null);
  return (signature: string) => own.func(signature);
}

/** @throws Error where a call that cannot fail in honest use did; OpenSSL's answer 1 to what went well. */
export function must(call: string, answer: number): void {
  if (answer !== 1) throw new Error(`OpenSSL: ${call} failed`);
}

/**
 * Copies short bytes to where OpenSSL can be pointed at: small arrays lie in V8's heap, and have to be moved out of it for
 * good before they can be handed over, which takes longer than the rest of the call. What is answered is good until the next time.
 * @param room What is longer is answered as it is.
 */
export function makeHandover(room: number): (bytes: Uint8Array) => Uint8Array {
  const memory = Buffer.allocUnsafeSlow(room);
  return (bytes) => {
    if (bytes.length > room) return bytes;
    memory.set(bytes);
    return memory;
  };
}

/**
 * What was loaded, or null where it cannot be had or `works` does not see it give the right answers: what comes out of a
 * library found by name is believed only then.
 */
export function believed<T>(load: () => T, works: (found: T) => boolean): T | null {
  try {
    const found = load();
    return works(found) ? found : null;
  } catch {
    return null;
  }
}
