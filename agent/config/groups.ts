import type { Mistake } from "./parse.ts";
import type { WrittenConfig } from "./schema.ts";

/** A group's nodes are those of the file, and no node is in two groups. */
export function checkGroups({ groups = {}, nodes }: WrittenConfig): Mistake[] {
  const taken = new Map<string, string>();
  const mistakes: Mistake[] = [];
  for (const [group, { order }] of Object.entries(groups)) {
    for (const [index, node] of order.entries()) {
      const path = ["groups", group, "order", index];
      const other = taken.get(node);
      if (!Object.hasOwn(nodes, node)) {
        mistakes.push({ path, words: `there is no node ${node}; known are ${Object.keys(nodes).join(", ")}` });
      } else if (other !== undefined && other !== group) {
        mistakes.push({ path, words: `${node} is in group ${other} already` });
      }
      taken.set(node, group);
    }
  }
  return mistakes;
}
