/** A world of AWS's own, with its own accounts; ARNs name it. */
export type Partition = "aws" | "aws-cn" | "aws-us-gov";

/** China's and the US government's regions are worlds of their own. */
export function partitionOf(region: string | undefined): Partition {
  if (region?.startsWith("cn-")) return "aws-cn";
  return region?.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}
