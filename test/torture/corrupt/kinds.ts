import { names } from "../../../vault/names/index.ts";

/**
 * What each name that objects are given is harmed as; null for what names no object but a folder or a part of a name. Names
 * are made in vault/names and nowhere else: who adds one there is asked here, by the compiler, what reads it when it is harmed.
 */
const KINDS: Readonly<Record<keyof typeof names, string | null>> = {
  VAULT_JSON: "vault.json",
  STATUS_PAGE: "status page",
  REVOKED_TICKETS: "list of revoked tickets",
  ISSUED_TICKETS: null,
  issuedTicket: "issued ticket",
  PUBLISHED: null,
  published: "published share",
  agentTarball: "packaged coldkeep",
  nodeJson: "node.json",
  standing: "standing",
  headJson: "head.json",
  indexJson: "index.json",
  indexMonth: "index of a month",
  backupList: "backup_list",
  begin: "begin",
  dataFolder: null,
  dataObject: null,
  keyJson: "key.json",
  manifest: "manifest",
  pack: "pack",
  packList: "pack list",
  snapshotsFolder: null,
  beginsFolder: null,
  card: "card",
  expired: "expired",
  fate: "fate",
  originRecord: "origin record",
  mark: "mark",
  proof: "proof",
  proofsFolder: null,
  pin: "pin",
  pinsFolder: null,
  clearance: "clearance",
  clearancesFolder: null,
  plan: "plan",
  plansFolder: null,
  clockJson: "clock.json",
  locksJson: "locks.json",
  report: "report",
  dataRoot: null,
  share: "share",
  groupJson: "group card",
  groupDown: "turn",
  CARD_SUFFIX: null,
  KEY_NAME: null,
  MANIFEST_NAME: null,
  packName: null,
  packListName: null,
};

/** @throws Error where there is a kind of object that was not harmed. */
export function assertAllHarmed(harmed: ReadonlySet<string>): void {
  for (const name of Object.keys(names)) if (!(name in KINDS)) throw new Error(`nobody says what ${name} is harmed as`);
  const missing = Object.values(KINDS).filter((kind) => kind !== null && !harmed.has(kind));
  if (missing.length > 0) throw new Error(`nothing was done to any ${missing.join(", ")}`);
}
