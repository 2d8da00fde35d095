import type { IndexEntry } from "../../vault/card/index.ts";
import type { VaultSettings } from "../config/index.ts";
import { billOf, LIST_PRICES } from "../cost/index.ts";
import { figuresFrom, PACK, usualPlan } from "./cost-figures.ts";

/** A month's bill of one node in a vault, by list prices. */
export interface MonthlyCost {
  readonly month: number;
  readonly currency: string;
}

/**
 * What a node's snapshots cost in AWS, roughly: `coldkeep cost` has the whole bill. Null of a folder, of a server that is not
 * AWS's, and where there is nothing to go by.
 * @param entries newest first
 * @param more there are older ones, so that the first, which is a whole one, was not seen
 */
export function monthlyCost(
  { s3 }: Pick<VaultSettings, "s3">,
  entries: readonly IndexEntry[],
  more: boolean,
): MonthlyCost | null {
  const figures = figuresFrom(entries);
  if (s3 === undefined || s3.endpoint !== undefined || figures === null) return null;
  const bytes = more ? (entries[0]?.bytes.total ?? figures.bytes) : figures.bytes;
  const { total } = billOf({ ...usualPlan(), ...figures, bytes, packBytes: PACK, restored: 0 }, LIST_PRICES);
  return { month: total, currency: LIST_PRICES.currency };
}
