import { oddity } from "./order.ts";
import { describeNode, type PageInput, type PageNode } from "./page/index.ts";

/** What a status page tells of one node. */
export function pageNode(input: Omit<PageInput, "isOdd">): PageNode {
  return describeNode({ ...input, isOdd: (entry) => oddity(entry) !== null });
}
