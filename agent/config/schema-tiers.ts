import * as z from "zod";
import { isZone, parseSpan, parseTimeOfDay, SPAN_FORM } from "../../vault/retain/index.ts";
import { DURATION_FORM, parseDuration } from "./duration.ts";
import { object } from "./schema-parts.ts";

/** How snapshots are thinned out, as it is written: the words of `restic forget`, and some of our own. */
const COUNT = "a whole number from 1, or unlimited";

function count(of: string) {
  return z
    .union([z.int({ error: COUNT }).min(1, { error: COUNT }), z.literal("unlimited", { error: COUNT })], {
      error: COUNT,
    })
    .optional()
    .meta({ description: `how many of the newest ${of}` });
}

function span(of: string) {
  return z
    .string({ error: SPAN_FORM })
    .refine((text) => parseSpan(text) !== null, { error: SPAN_FORM })
    .optional()
    .meta({
      description: `${of} this far back from the newest good one`,
      pattern: "^([0-9]+y)?([0-9]+m)?([0-9]+d)?([0-9]+h)?$",
    });
}

function period(description: string) {
  return z
    .string({ error: DURATION_FORM })
    .refine((text) => parseDuration(text) !== null, { error: DURATION_FORM })
    .optional()
    .meta({ description, pattern: "^[0-9]+(ms|s|m|h|d)$" });
}

const TAGS = "a list of tags; several with commas between them mean all of them";
const TIME_OF_DAY = "a time of day in quotes, such as '00:00'";
const ZONE = "a time zone by its IANA name, such as Europe/Berlin or UTC";

export const tiers = object(
  {
    keep_last: count("snapshots"),
    keep_hourly: count("hours with a snapshot: the newest of each"),
    keep_daily: count("days with a snapshot: the newest of each"),
    keep_weekly: count("weeks with a snapshot: the newest of each"),
    keep_monthly: count("months with a snapshot: the newest of each"),
    keep_yearly: count("years with a snapshot: the newest of each"),
    keep_within: span("all snapshots"),
    keep_within_hourly: span("the newest of each hour"),
    keep_within_daily: span("the newest of each day"),
    keep_within_weekly: span("the newest of each week"),
    keep_within_monthly: span("the newest of each month"),
    keep_within_yearly: span("the newest of each year"),
    keep_tags: z
      .array(z.string({ error: TAGS }).regex(/^[A-Za-z0-9._:-]{1,64}(,[A-Za-z0-9._:-]{1,64})*$/, { error: TAGS }), {
        error: TAGS,
      })
      .optional()
      .meta({ description: "snapshots with these tags are kept" }),
    permanent: z
      .string({ error: TIME_OF_DAY })
      .refine((text) => parseTimeOfDay(text) !== null, { error: TIME_OF_DAY })
      .optional()
      .meta({ description: "the first snapshot received after this time of day is kept for ever, one a day" }),
    timezone: z
      .string({ error: ZONE })
      .refine(isZone, { error: ZONE })
      .default("UTC")
      .meta({ description: "whose hours, days, weeks, months and years are meant" }),
    floor: period("nothing younger expires; default 7d"),
    grace: period("from expiry to deletion, at least 5d; default 7d"),
    interval: period("between two backups as they are planned; many more than that stop expiry"),
  },
  "what is kept; a snapshot that any of these keeps is kept",
);

export type WrittenTiers = z.output<typeof tiers>;
