import type { SuiteName } from "../card/types.ts";
import { type Sm4Backend, sm4Backend } from "./sm4/backend.ts";
import { suiteOf } from "./suites.ts";

/** What does the sealing of a suite on this host. */
export interface Sealer {
  readonly name: "node" | Sm4Backend["name"];
  /** A host that seals with it waits for it. */
  readonly slow: boolean;
  /** Faster ones, and why they are not used. */
  readonly passedOver: Sm4Backend["passedOver"];
}

/** @throws ColdkeepError where the suite cannot be had here. */
export function sealerOf(suite: SuiteName): Sealer {
  suiteOf(suite);
  if (suite === "aes-256-gcm") return { name: "node", slow: false, passedOver: [] };
  const { name, passedOver } = sm4Backend();
  return { name, slow: name === "portable", passedOver };
}
