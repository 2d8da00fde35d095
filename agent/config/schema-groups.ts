import * as z from "zod";
import { isNodeName } from "../../vault/names/index.ts";
import { object, oneOf } from "./schema-parts.ts";

const NAME = "a name: 1 to 63 of a-z 0-9 . _ -, beginning and ending with a letter or digit";
const ORDER = "a list of two or more nodes of this file";

const group = object(
  {
    order: z
      .array(z.string({ error: ORDER }), { error: ORDER })
      .min(2, { error: ORDER })
      .refine((nodes) => new Set(nodes).size === nodes.length, { error: "each node once" })
      .meta({ description: "the nodes, in the order of their stop; they are started the other way round" }),
    down: oneOf(["together", "one-by-one"], "all down at the same time, or one after the other").default("together"),
    own_timers: z
      .boolean({ error: "true or false" })
      .default(false)
      .meta({ description: "coldkeep install gives each of the nodes a timer of its own too, beside the group's" }),
  },
  "nodes that are backed up as one set",
);

export const groups = z
  .record(
    z.string().refine((name): boolean => isNodeName(name), { error: NAME }),
    group,
    {
      error: "a mapping of groups' names to their settings",
    },
  )
  .meta({ description: "nodes that are backed up as one set, by name" });
