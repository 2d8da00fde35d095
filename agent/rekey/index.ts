export { settleKept } from "./keep-old.ts";
export { listSlots, type SlotGroup } from "./list-slots.ts";
export { rekeyNode } from "./rekey.ts";
export type * from "./types.ts";
