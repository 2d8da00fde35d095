import { randomBytes } from "node:crypto";

/** Names one restore's folders, so that two never meet. */
export function newRunName(): string {
  return randomBytes(8).toString("hex");
}
