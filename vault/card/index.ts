export {
  encodeCard,
  hasCore,
  isCommitted,
  parseCard,
} from "./card.ts";
export { encodeGroupCard, parseGroupCard } from "./group-card.ts";
export { canonical, canonicalBytes, parseCanonical } from "./jcs.ts";
export { MAX_ORIGINS, MAX_PACK_LISTS, MAX_PACKS } from "./limits.ts";
export {
  encodeBackupList,
  encodeHead,
  encodeIndex,
  parseBackupList,
  parseHead,
  parseIndex,
  salvageIndex,
} from "./lists.ts";
export { encodeLocks, type LockedSnapshot, parseLocks } from "./locks.ts";
export type { Clearance, DeletionPlan, Expired, Fate, Mark, Pin, Proof } from "./markers.ts";
export {
  encodeClearance,
  encodeDeletionPlan,
  encodeExpired,
  encodeFate,
  encodeMark,
  encodePin,
  encodeProof,
  MAX_PLAN_OBJECTS,
  parseDeletionPlan,
  parseFate,
  parseMark,
  parsePin,
} from "./markers.ts";
export { assertMayWork } from "./may-work.ts";
export { encodeNodeStanding, type NodeStanding, parseNodeStanding } from "./node-standing.ts";
export { encodeOriginRecord, parseOriginRecord } from "./origin-record.ts";
export { checkRecord, type Expected, readRecord } from "./record.ts";
export {
  encodeBegin,
  encodeNodeJson,
  encodePackList,
  encodeVaultJson,
  parseBegin,
  parseNodeJson,
  parsePackList,
  parseVaultJson,
} from "./records.ts";
export {
  coreBytesForMac,
  publicKeyOf,
  signCard,
  signClosingCard,
  verifyCardSignature,
  verifyClosingSignature,
  writerOf,
} from "./signature.ts";
export { assertSum, sumOf } from "./sum.ts";
export type * from "./types.ts";
