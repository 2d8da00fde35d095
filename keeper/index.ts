export { type BringBackOptions, bringBackSnapshot, COPY_DAYS } from "./bring-back.ts";
export type { ListedPack } from "./check-packs.ts";
export { collectGarbage } from "./collect/collect.ts";
export { foretellDead } from "./collect/foretell.ts";
export type { CollectOptions, CollectOutcome, DeadObject, Despite } from "./collect/types.ts";
export { copySnapshots } from "./copy/copy.ts";
export type { CopyOptions, CopyVerdict } from "./copy/types.ts";
export { DAMAGES_TOLD, damagesOf } from "./damage-remarks.ts";
export { hashObject } from "./hash-object.ts";
export { type IndexMemory, makeIndexMemory } from "./index-memory.ts";
export {
  type IndexOptions,
  type IndexOutcome,
  type IndexStore,
  indexSnapshots,
  rebuildIndex,
} from "./index-snapshots.ts";
export { lockGap } from "./lock/lock-rules.ts";
export { type RenewOptions, type RenewOutcome, renewLocks } from "./lock/renew-locks.ts";
export { markSnapshot, readMark } from "./marks.ts";
export { isLatestMaterial } from "./order.ts";
export { damageWords, type ObjectDamage } from "./pack-lists.ts";
export { makePackRecords, type PackRecords } from "./pack-records.ts";
export { packIndex } from "./packs-present.ts";
export { renderPage } from "./page/index.ts";
export { makePresenter, type Presenter } from "./present/presenter.ts";
export { renderRestoreScript } from "./present/restore-script.ts";
export {
  type IssuedTicket,
  type IssueOptions,
  issueTicket,
  type ListedTicket,
  listTickets,
  newTicketId,
  notePublished,
  revokeTicket,
} from "./present/tickets.ts";
export type {
  AuditLine,
  PresenterAnswer,
  PresenterPort,
  PresenterRequest,
  SignedUrl,
} from "./present/types.ts";
export { proveSnapshot } from "./prove.ts";
export { type NodeScope, readBegin, readCommitted, readNode } from "./read.ts";
export { makeRecent } from "./recent.ts";
export { askStanding, pinForRestore } from "./restore-pin.ts";
export { type ForgetOutcome, forgetSnapshots } from "./retain/forget.ts";
export { type RetainOptions, type RetainOutcome, retainSnapshots } from "./retain/retain.ts";
export { type DeleteNodeOutcome, deleteNode } from "./retire/delete-node.ts";
export { changeStanding, type FoundStanding, readStanding, seeStanding } from "./retire/standing.ts";
export { INDEX_NEWEST } from "./rules.ts";
export { cardIds } from "./scan-names.ts";
export { listSnapshots, type Selection, type SelectOptions, selectSnapshot } from "./select.ts";
export { pageNode, publishStatus, type Standards } from "./status-page.ts";
export { findUsedPacks, type UsedPacks } from "./uses.ts";
export { type KeylessVerdict, type KeylessVerifyOptions, verifySnapshots } from "./verify.ts";
