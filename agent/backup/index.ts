export { type Freeze, runBackup } from "./backup.ts";
export { claimNode, initVault } from "./claim-node.ts";
export { confirmParent, unconfirmedRuns } from "./confirm.ts";
export { whatParentKnows } from "./forecast.ts";
export { makeMeeting, OtherFailed, type Seat } from "./meeting.ts";
export { SLOT_MS, type Turn, takeTurn } from "./turn.ts";
export type * from "./types.ts";
export { type LostVault, makeVaultSet, type VaultMember, type VaultSet } from "./vault-set.ts";
