import * as z from "zod";
import { DURATION_FORM, parseDuration } from "./duration.ts";
import { parseTimeOfDay } from "./permanent.ts";
import { DEFAULT_FLOOR, DEFAULT_GRACE } from "./rules.ts";
import { parseSpan, SPAN_FORM } from "./span.ts";
import { type Span, type Tiers, UNITS, type Unit, type WrittenTiers } from "./types.ts";
import { isZone } from "./zone.ts";

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

/** The keys of a mapping of rules. */
export const tierFields = {
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
} satisfies { readonly [Key in keyof WrittenTiers]-?: z.ZodType<WrittenTiers[Key], unknown> };

/** The rules of a mapping that follows the schema. */
export function tiersOf(written: WrittenTiers): Tiers {
  const keep: Partial<Record<Unit, number>> = {};
  const within: Partial<Record<Unit, Span>> = {};
  for (const unit of UNITS) {
    const count = written[`keep_${unit}` as const];
    if (count !== undefined) keep[unit] = count === "unlimited" ? Number.POSITIVE_INFINITY : count;
    const text = written[unit === "last" ? "keep_within" : (`keep_within_${unit}` as const)];
    const span = text === undefined ? null : parseSpan(text);
    if (span !== null) within[unit] = span;
  }
  const permanent = written.permanent === undefined ? null : parseTimeOfDay(written.permanent);
  const interval = periodOf(written.interval);
  return {
    keep,
    within,
    tags: (written.keep_tags ?? []).map((set) => set.split(",")),
    ...(permanent === null ? {} : { permanent }),
    timezone: written.timezone,
    floor: periodOf(written.floor) ?? DEFAULT_FLOOR,
    grace: periodOf(written.grace) ?? DEFAULT_GRACE,
    ...(interval === null || interval === 0 ? {} : { interval }),
  };
}

function periodOf(text: string | undefined): number | null {
  return text === undefined ? null : parseDuration(text);
}
