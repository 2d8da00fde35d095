/**
 * What the presenter's function is given by whoever deploys it, besides what all are, and what it answers.
 * One function behind two Function URLs: with AWS_IAM callers are who Lambda says they are; with NONE nothing but a
 * valid ticket is answered.
 */
export const PRESENTER_ENV = {
  /** ARN of the KMS key (HMAC_256) that checks tickets; absent or empty: every ticket is refused. */
  ticketKey: "COLDKEEP_TICKET_KEY",
  /** `off`, `bulk` or `standard`, where packs may lie in archive classes: how soon they are brought back for who asks. */
  bringBack: "COLDKEEP_BRING_BACK",
} as const;

/** Counted by the presenter, by the event of its audit lines; alarms watch the starred one. */
export const PRESENTER_METRICS = {
  plan: "PlansAnswered",
  /** Snapshots asked back from archive classes, which costs money. */
  "brought back": "ArchivesBroughtBack",
  /** Tickets that are none, ended, were revoked, or are for something else. */
  refused: "RequestsRefused",
  /** * Requests that could not be answered, for a reason of ours. */
  failed: "RequestsFailed",
} as const;

/** File that is bundled, and the function it exports. */
export const PRESENTER_ENTRY = "lambdas/presenter/handler.ts";
export const PRESENTER_HANDLER = "handler";

/** Every route, as OpenAPI writes it; all are GET. A Function URL passes all of them on. */
export const PRESENTER_ROUTES = [
  "/openapi.json",
  "/nodes",
  "/status.html",
  "/nodes/{node}",
  "/nodes/{node}/snapshots",
  "/nodes/{node}/latest",
  "/nodes/{node}/latest/restore.sh",
  "/nodes/{node}/snapshots/{id}/plan",
  "/agents/{sha256}",
] as const;

/**
 * What the role may do, by object name below the vault's prefix; besides `kms:VerifyMac` on the ticket key. A URL it
 * signs can do no more than it may itself. Where the bucket may not be listed S3 does not prove absences, so ListBucket
 * is needed for these prefixes, too.
 */
export const PRESENTER_ACCESS = {
  read: [
    "*/node.json",
    "*/index.json",
    "*/index/*",
    "*/snapshots/*",
    "*/begins/*",
    "*/data/*",
    "*/shares/*",
    "tickets/*",
    "status.html",
  ],
  create: ["*/pins/*"],
  list: [""],
} as const;

/** MB and seconds that were seen to be enough, with room. */
export const PRESENTER_SIZE = { memory: 512, timeout: 29 } as const;
