import { object, optionalDuration } from "./schema-parts.ts";

export const watch = object(
  {
    max_age: optionalDuration("older than this, the newest good snapshot is an alarm; default 26h"),
    max_unproven: optionalDuration(
      "where no snapshot was restored by a drill for this long, that is an alarm; default: never",
    ),
  },
  "when `coldkeep status` says that something is amiss",
);
