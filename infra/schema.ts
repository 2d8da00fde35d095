import * as z from "zod";
import { isNodeName } from "../vault/names/index.ts";
import { faultOfTiers, parseDuration, parseTimeOfDay, tierFields, tiersOf } from "../vault/retain/index.ts";
import type { InfraConfig, WrittenInfraConfig } from "./types.ts";

const BUCKET = "3 to 63 of a-z 0-9 . -, beginning and ending with a letter or digit";
const bucketName = z.string({ error: BUCKET }).regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, { error: BUCKET });
const TIME = "a time of day in quotes, such as '00:00'";
const DURATION = "a whole number with a unit: m, h or d, such as 26h";
const PREFIX = "parts of A-Z a-z 0-9 . _ -, joined by /";
const CARD_KEY = "the node's card key as `coldkeep show --json` and node.json write it: 43 letters of base64url";

const duration = z.string({ error: DURATION }).refine((text) => (parseDuration(text) ?? 0) > 0, { error: DURATION });
const timeOfDay = z.string({ error: TIME }).refine((text) => parseTimeOfDay(text) !== null, { error: TIME });
const tiers = z.strictObject(tierFields).superRefine((written, issues) => {
  const fault = faultOfTiers(tiersOf(written));
  if (fault !== null) issues.addIssue({ code: "custom", message: fault });
});

/** What is said of a node; each also of all, as what holds where a node says nothing. */
const NODE = {
  tiers: tiers.optional(),
  at: timeOfDay.optional(),
  stale_after: duration.optional(),
  reread_days: z.int().min(1).max(3650).optional(),
};

const node = z.strictObject({
  ...NODE,
  card_key: z
    .string({ error: CARD_KEY })
    .regex(/^[A-Za-z0-9_-]{43}$/, { error: CARD_KEY })
    .optional(),
});

const bucket = z.strictObject({
  /** Of the bucket that is made; default: one that CloudFormation makes up. */
  name: bucketName.optional(),
  /** A bucket that is there already, in place of one that is made. */
  existing: bucketName.optional(),
  /** ARN of the KMS key that S3 encrypts with once more; default: S3's own keys. */
  kms_key_arn: z.string().startsWith("arn:").optional(),
  lock: z
    .strictObject({ mode: z.enum(["governance", "compliance", "off"]), days: z.int().min(1).max(36500) })
    .default({ mode: "governance", days: 30 }),
  /** Packs move to a cheaper class after so many days. */
  transitions: z
    .array(
      z.strictObject({
        class: z.enum(["STANDARD_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]),
        after_days: z.int().min(1).max(36500),
      }),
    )
    .default([]),
  bring_back: z.enum(["off", "bulk", "standard"]).default("bulk"),
  /** Earlier versions of lists, and what was deleted by hand, stay so long. */
  noncurrent_days: z.int().min(1).max(3650).default(30),
});

/** coldkeep.cdk.yaml, as it is written. */
export const schema = z.strictObject({
  /** The stack's name; also how `coldkeep cloud` finds it. */
  stack: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,127}$/)
    .default("Coldkeep"),
  bucket: bucket.prefault({}).refine((one) => one.name === undefined || one.existing === undefined, {
    error: "either name, for a new bucket, or existing",
  }),
  /** Where in the bucket the vault lies. */
  prefix: z
    .string({ error: PREFIX })
    .regex(/^([A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*)?$/, { error: PREFIX })
    .default(""),
  nodes: z
    .record(
      z.string().refine(isNodeName, { error: "1 to 63 of a-z 0-9 . _ -, and not groups or tickets" }),
      z.union([node, z.null()]).transform((written) => written ?? {}),
    )
    .refine((nodes) => Object.keys(nodes).length > 0, { error: "at least one node" }),
  ...NODE,
  /** Who is told when something is wrong. */
  alarm_email: z.email().optional(),
  /** A second Function URL that answers whoever has a ticket. */
  tickets: z.boolean().default(false),
  /** ARNs of those who may act as the operator; default: whoever the account's own policies let. */
  operators: z.array(z.string().startsWith("arn:")).default([]),
  replication: z.strictObject({ bucket_arn: z.string().startsWith("arn:"), account: z.string().optional() }).optional(),
  log_days: z.union([z.literal(7), z.literal(30), z.literal(90), z.literal(365)]).default(90),
  xray: z.boolean().default(false),
}) satisfies z.ZodType<InfraConfig, WrittenInfraConfig>;
