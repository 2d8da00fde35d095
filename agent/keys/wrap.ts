import { newStretch, type Stretch } from "../../vault/sealed/index.ts";
import type { SnapshotScope } from "../../vault/sealed/types.ts";

/** Fresh public stretching parameters; kept in the node's state, one set a key. */
export function makeStretch(suite: SnapshotScope["suite"]): Stretch {
  return newStretch(suite);
}
