import * as z from "zod";
import { DURATION_FORM, parseDuration } from "../../vault/retain/index.ts";
import { object } from "./schema-parts.ts";

function age(description: string) {
  return z
    .string({ error: DURATION_FORM })
    .refine((text) => (parseDuration(text) ?? 0) > 0, { error: `${DURATION_FORM}, above 0` })
    .optional()
    .meta({ description, pattern: "^[1-9][0-9]*(ms|s|m|h|d)$" });
}

export const watch = object(
  {
    max_age: age("older than this, the newest good snapshot is an alarm; default 26h"),
    max_unproven: age("where no snapshot was restored by a drill for this long, that is an alarm; default: never"),
  },
  "when `coldkeep status` says that something is amiss",
);
