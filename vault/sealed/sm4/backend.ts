import { getCiphers } from "node:crypto";
import { ColdkeepError, messageOf } from "../../names/index.ts";
import type { Aead } from "../suites/aead.ts";
import { nodeGcm } from "../suites/node-ciphers.ts";
import { libgcryptGcm } from "./libgcrypt-gcm.ts";
import { portableGcm } from "./portable.ts";
import { failedSelfTest } from "./self-test.ts";
import { wasmSm4 } from "./wasm.ts";

export type Sm4BackendName = "libgcrypt" | "wasm" | "node" | "portable";

/** The SM4-GCM that this thread seals with, and why not a faster one. */
export interface Sm4Backend {
  readonly name: Sm4BackendName;
  readonly aead: Aead;
  readonly passedOver: readonly { readonly name: Sm4BackendName; readonly why: string }[];
}

/** Answers the backend, or in words why it cannot be had here. */
type Opener = () => Aead | string;

/** By measured speed, fastest first (`bench/seal.ts`); the last one needs nothing but Node and is always there. */
const LADDER: readonly (readonly [Sm4BackendName, Opener])[] = [
  ["libgcrypt", libgcryptGcm],
  ["wasm", () => wasmSm4().aead],
  ["node", () => (getCiphers().includes("sm4-gcm") ? nodeGcm("sm4-gcm") : "this Node's OpenSSL has no sm4-gcm")],
  ["portable", portableGcm],
];

let chosen: Sm4Backend | undefined;

/**
 * The fastest backend that is here and computes what RFC 8998 says; chosen once a thread.
 * @throws ColdkeepError `internal` where none does.
 */
export function sm4Backend(): Sm4Backend {
  chosen ??= chooseSm4Backend(LADDER);
  return chosen;
}

/** The first of a ladder that opens and passes its self-test. */
export function chooseSm4Backend(ladder: typeof LADDER): Sm4Backend {
  const passedOver: { name: Sm4BackendName; why: string }[] = [];
  for (const [name, open] of ladder) {
    const found = openTested(open);
    if (typeof found !== "string") return { name, aead: found, passedOver };
    passedOver.push({ name, why: found });
  }
  throw new ColdkeepError("internal", {
    what: "no SM4-GCM can be used",
    why: passedOver.map(({ name, why }) => `${name}: ${why}`).join("; "),
  });
}

/** Every backend that can be had here, tested: for tests and measurements. */
export function allSm4Backends(): readonly { readonly name: Sm4BackendName; readonly found: Aead | string }[] {
  return LADDER.map(([name, open]) => ({ name, found: openTested(open) }));
}

function openTested(open: Opener): Aead | string {
  try {
    const found = open();
    return typeof found === "string" ? found : (failedSelfTest(found) ?? found);
  } catch (error) {
    return messageOf(error);
  }
}
