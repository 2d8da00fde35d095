import * as z from "zod";
import { type NodeName, names, type VaultId } from "../names/index.ts";
import * as f from "./fields.ts";
import { type Expected, readExpected, writeRecord } from "./record.ts";

/** `<node>/standing.<n>.json`: what an operator said of a node. The one with the greatest n holds; without any it is active. */
export interface NodeStanding {
  readonly format: 1;
  readonly vault: VaultId;
  readonly node: NodeName;
  readonly round: number;
  /** `retired`: nothing new comes, nothing expires. `deleting`: its keys and all else go. `deleted`: they are gone. */
  readonly state: "active" | "retired" | "deleting" | "deleted";
  readonly reason?: string;
  /** The name under which its backups go on. */
  readonly renamed_to?: NodeName;
}

const standing = z.strictObject({
  ...f.ofNode,
  round: z.int().min(1),
  state: z.enum(["active", "retired", "deleting", "deleted"]),
  reason: f.text.exactOptional(),
  renamed_to: f.node.exactOptional(),
}) satisfies z.ZodType<NodeStanding>;

export function encodeNodeStanding(value: NodeStanding): Uint8Array {
  return writeRecord<NodeStanding>(standing, value, names.standing(value.node, value.round));
}

/** @throws ColdkeepError `integrity`, or `refused` where the format is newer. */
export function parseNodeStanding(bytes: Uint8Array, expected?: Expected, on = "standing"): NodeStanding {
  return readExpected<NodeStanding>(standing, bytes, expected, on);
}
