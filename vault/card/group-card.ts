import * as z from "zod";
import { ColdkeepError, isNodeName, names } from "../names/index.ts";
import * as f from "./fields.ts";
import { readExpected, writeRecord } from "./record.ts";
import type { GroupCard } from "./types.ts";

const MOST_MEMBERS = 256;

const groupCard = z.strictObject({
  format: f.format,
  vault: f.vault,
  group: z.string().refine((name) => isNodeName(name), "must be a group's name, of the form of a node's"),
  id: f.snapshot,
  together: z.boolean(),
  members: z
    .array(
      z.strictObject({
        node: f.node,
        snapshot: f.snapshot,
        profile: f.text,
        captured: f.time,
        heights: f.heights.exactOptional(),
      }),
    )
    .min(1)
    .max(MOST_MEMBERS)
    .refine((all) => new Set(all.map(({ node }) => node)).size === all.length, "names a node twice"),
}) satisfies z.ZodType<GroupCard>;

/**
 * Reads `groups/<group>/<id>.group.json`. What it says of its members, their own cards have to bear out.
 * @throws ColdkeepError `integrity`, or `refused` where the format is newer.
 */
export function parseGroupCard(
  bytes: Uint8Array,
  expected: { readonly vault?: string; readonly group: string; readonly id: string },
): GroupCard {
  const on = names.groupJson(expected.group, expected.id);
  const found = readExpected<GroupCard>(
    groupCard,
    bytes,
    expected.vault === undefined ? {} : { vault: expected.vault },
    on,
  );
  if (found.group === expected.group && found.id === expected.id) return found;
  throw new ColdkeepError("integrity", {
    what: "belongs to another group",
    on,
    why: `found ${found.group}/${found.id}, expected ${expected.group}/${expected.id}`,
  });
}

export function encodeGroupCard(value: GroupCard): Uint8Array {
  return writeRecord<GroupCard>(groupCard, value, names.groupJson(value.group, value.id));
}
