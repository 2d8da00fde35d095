import type { Mistake } from "./parse.ts";
import type { WrittenConfig } from "./schema.ts";

/**
 * A group's nodes are those of the file, no node is in two groups, and nodes that are to be down together may be: a turn
 * that the first one has is not the second one's, which would wait for it while the first is down.
 */
export function checkGroups({ groups = {}, nodes }: WrittenConfig): Mistake[] {
  const taken = new Map<string, string>();
  const mistakes: Mistake[] = [];
  for (const [group, { order, down }] of Object.entries(groups)) {
    const turns = Map.groupBy(order, (node) => nodes[node]?.group);
    for (const [turn, members] of down === "together" ? turns : []) {
      const most = Math.min(...members.map((node) => nodes[node]?.max_down_in_group ?? 1));
      if (turn === undefined || members.length <= most) continue;
      const words = `${members.join(", ")} would be down together, and max_down_in_group of ${turn} is ${most}; write down: one-by-one`;
      mistakes.push({ path: ["groups", group], words });
    }
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
