export { ObjectSealer, type SealedObject } from "./object-sealer.ts";
export { openObject } from "./open-object.ts";
export { RangeOpener } from "./range-opener.ts";
