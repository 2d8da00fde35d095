export { copySnapshots } from "./copy/copy.ts";
export type { CopyOptions, CopyVerdict } from "./copy/types.ts";
export {
  type IndexOptions,
  type IndexOutcome,
  type IndexStore,
  indexSnapshots,
  rebuildIndex,
} from "./index-snapshots.ts";
export type { ObjectDamage } from "./pack-lists.ts";
export {
  type PresentedObject,
  type PresentedPage,
  type PresentOptions,
  presentSnapshot,
  type SignUrl,
} from "./present.ts";
export { listSnapshots, type Selection, type SelectOptions, selectSnapshot } from "./select.ts";
export { type KeylessVerdict, type KeylessVerifyOptions, verifySnapshots } from "./verify.ts";
