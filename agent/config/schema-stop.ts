import * as z from "zod";
import { tierFields } from "../../vault/retain/index.ts";
import { command, duration, object, text, url } from "./schema-parts.ts";
import { parseWindow, WINDOW_FORM } from "./windows.ts";

const field = text(
  "a path into the JSON answer: result.sync_info.catching_up, 0.state, …",
  /^[^\s.]+(\.[^\s.]+)*$/,
  "path",
);

const VALUE = "a value of the field, or a list of values";
const value = z.union([z.string({ error: VALUE }), z.number({ error: VALUE }), z.boolean({ error: VALUE })], {
  error: VALUE,
});
const is = z
  .union([value, z.array(value, { error: VALUE }).min(1, { error: VALUE })], { error: VALUE })
  .default(true)
  .meta({ description: "what the field then is" });

function condition(description: string) {
  return z
    .union(
      [
        object({ url: url("asked by GET"), field, is }, "asked over HTTP"),
        object(
          {
            command: command("ends with 0 for yes, 1 to 125 for no; with field, prints JSON"),
            field: field.optional(),
            is,
          },
          "asked by a command",
        ),
      ],
      { error: "a mapping with url, field and is, or with command" },
    )
    .optional()
    .meta({ description });
}

const window = z
  .string({ error: WINDOW_FORM })
  .refine((written) => parseWindow(written) !== null, { error: WINDOW_FORM });

const COUNT = "a whole number from 1 to 9";

/** When a node may be stopped. */
export const STOP_FIELDS = {
  windows: z
    .array(window, { error: `a list of ${WINDOW_FORM}` })
    .default([])
    .meta({ description: "the only times at which a backup is made; default: all" }),
  timezone: tierFields.timezone
    .removeDefault()
    .optional()
    .meta({ description: "whose clocks windows go by; default: that of the tiers, else UTC" }),
  skip_if_syncing: condition("no backup is made while this holds, or cannot be told: the node is catching up"),
  skip_if_leader: condition("asked just before the stop: no backup is made while this holds, or cannot be told"),
  group: text(
    "a group's name: 1 to 63 of a-z 0-9 . _ -, beginning and ending with a letter or digit (sets that are backed up as one are written under groups, beside nodes)",
    /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/,
    "the nodes, on any hosts and in one vault, of which only so many are down at once",
  ).optional(),
  max_down_in_group: z
    .int({ error: COUNT })
    .min(1, { error: COUNT })
    .max(9, { error: COUNT })
    .optional()
    .meta({ description: "how many of the group may be down at once; the same on all hosts; default 1" }),
  group_wait: duration("1h", "how long a backup waits for its turn before it is skipped"),
};
