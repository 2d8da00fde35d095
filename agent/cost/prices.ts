import * as z from "zod";
import { ColdkeepError } from "../../vault/names/index.ts";
import LIST from "./prices.json" with { type: "json" };

const price = z.number().min(0);
const tier = z.strictObject({ gb: price, requests_1000: price, hours: price });
const storageClass = z.strictObject({
  gb_month: price,
  put_1000: price,
  get_1000: price,
  retrieve_gb: price.optional(),
  /** Nothing is read before it is restored; by how soon. */
  archive: z.strictObject({ bulk: tier, standard: tier, expedited: tier.optional() }).optional(),
});

/** Prices of one region at one date, in its currency; a GB has 10^9 bytes, a month is AWS's. */
const schema = z.strictObject({
  as_of: z.string().regex(/^\d{4}-\d{2}-\d{2}$/, { error: "a date such as 2026-01-31" }),
  region: z.string(),
  currency: z.string(),
  source: z.string(),
  classes: z.strictObject({
    STANDARD: storageClass,
    STANDARD_IA: storageClass,
    GLACIER_IR: storageClass,
    GLACIER: storageClass,
    DEEP_ARCHIVE: storageClass,
  }),
  lambda: z.strictObject({ gb_second: price, requests_million: price }),
  kms: z.strictObject({ key_month: price, requests_10000: price }),
  sqs: z.strictObject({ requests_million: price, free_requests: price }),
  cloudwatch: z.strictObject({
    alarm_month: price,
    free_alarms: price,
    metric_month: price,
    free_metrics: price,
    log_gb: price,
  }),
  transfer: z.strictObject({ out_gb: price, free_gb: price }),
});

export type Prices = z.output<typeof schema>;
export type StorageClass = keyof Prices["classes"];

/** The prices that come with coldkeep. */
export const LIST_PRICES: Prices = schema.parse(LIST);

/** @throws ColdkeepError `config` that names each mistake. */
export function parsePrices(text: string, from: string): Prices {
  let written: unknown;
  try {
    written = JSON.parse(text);
  } catch {
    throw wrong(from, ["it is no JSON"]);
  }
  const result = schema.safeParse(written);
  if (result.success) return result.data;
  throw wrong(
    from,
    result.error.issues.map(({ path, message }) => `${path.map(String).join(".") || "(the whole)"}: ${message}`),
  );
}

function wrong(from: string, mistakes: readonly string[]): ColdkeepError {
  return new ColdkeepError("config", {
    what: "the prices cannot be used",
    on: from,
    why: `\n  ${mistakes.join("\n  ")}`,
    todo: "`coldkeep cost --json` prints under prices how such a file looks",
  });
}
