import * as z from "zod";
import { parseS3Url, S3_URL_FORM } from "../../vault/names/index.ts";
import { absolute, object, optionalDuration, text, url as webUrl } from "./schema-parts.ts";
import { tiers } from "./schema-tiers.ts";

/** The name of the vault that is written as `vault:`, without one of its own. */
export const MAIN_VAULT = "main";

const FORMS = `file:///absolute/path, ${S3_URL_FORM}`;
const FILE_URL = /^file:\/\/\/[^\0/][^\0]*$/;

const url = z
  .string({ error: FORMS })
  .refine((value) => value.startsWith("s3://") || FILE_URL.test(value), { error: FORMS, abort: true })
  .superRefine((value, issues) => {
    const place = value.startsWith("s3://") ? parseS3Url(value) : null;
    if (typeof place === "string") issues.addIssue({ code: "custom", message: place });
  })
  .meta({ description: "where snapshots are kept: a directory, or a bucket in S3", pattern: "^(file:///|s3://)" });

const name = text(
  "1 to 63 of a-z 0-9 _ -, beginning with a letter or digit",
  /^[a-z0-9][a-z0-9_-]{0,62}$/,
  "what the vault is called on the command line",
);

function flag(description: string) {
  return z.boolean({ error: "true or false" }).optional().meta({ description });
}

/** How a vault in S3 is reached. */
const REACH = {
  region: text(
    "the name of a region, such as eu-central-1",
    /^[a-z0-9][a-z0-9-]{0,62}$/,
    "the bucket's region; default: AWS_REGION, or the profile's",
  ).optional(),
  endpoint: webUrl("another server than AWS's that speaks S3").optional(),
  path_style: flag("the bucket's name goes into the path, not the host name; default: where endpoint is given"),
  profile: text(
    "the name of a section of ~/.aws/config",
    /^[^\s\0][^\0]{0,255}$/,
    "whose credentials are used; default: AWS_PROFILE, the environment, the machine's role",
  ).optional(),
  ca_bundle: absolute("file of the certificate authorities to trust in place of the system's, PEM").optional(),
  dual_stack: flag("use AWS's endpoints that speak IPv6, too"),
  fips: flag("use AWS's FIPS endpoints"),
  put_only: flag("this host may only add to the vault: functions beside it list what it puts (docs/OPERATIONS.md)"),
};

export const S3_KEYS = Object.keys(REACH);

const SETTINGS = {
  url,
  ...REACH,
  retry_for: optionalDuration("how long a call that fails for a reason that may pass is tried again; default 30m"),
  tiers: tiers.optional(),
};

/** One vault: its place alone, or a mapping with more. */
export const vault = z
  .union([url, object({ name: name.default(MAIN_VAULT), ...SETTINGS }, "a vault")], {
    error: "a URL, or a mapping with url",
  })
  .meta({ description: "where snapshots are kept" });

const VAULTS = "a list of mappings with name and url";

export const vaults = z
  .array(object({ name, ...SETTINGS }, "a vault"), { error: VAULTS })
  .min(1, { error: VAULTS })
  .meta({ description: "where snapshots are kept, in place of `vault`; the first is the one that is read" });
