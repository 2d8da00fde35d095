import type { Measured } from "./metrics.ts";

/** The namespace of the functions' figures, too (lambdas/common). */
export const EMF_NAMESPACE = "Coldkeep";

type Unit = "Seconds" | "Milliseconds" | "Bytes" | "Count";

/**
 * The same for CloudWatch: a line of its embedded metric format for each node and vault, as the CloudWatch agent reads them
 * from a log. What is not known is left out.
 * @param now milliseconds since the epoch
 */
export function renderEmf(all: readonly Measured[], now: number): string {
  return all.map((one) => `${JSON.stringify(lineOf(one, now))}\n`).join("");
}

function lineOf({ node, vault, standing, next }: Measured, now: number): object {
  const { latest, proven, counts, storedBytes, alarms } = standing;
  const up = !alarms.some(({ kind }) => kind === "unreachable");
  const values: readonly (readonly [name: string, unit: Unit, value: number | null | undefined])[] = [
    ["VaultUp", "Count", up ? 1 : 0],
    ["Alarms", "Count", alarms.length],
    ["LatestAge", "Seconds", latest === null ? null : Math.max(0, now - latest.received) / 1000],
    ["LatestSize", "Bytes", latest?.bytes.total],
    ["LatestAdded", "Bytes", latest?.bytes.stored],
    ["LatestDowntime", "Milliseconds", latest?.downtime_ms],
    ["ProvenAge", "Seconds", proven === null ? null : Math.max(0, now - proven.at) / 1000],
    ["GoodSnapshots", "Count", up ? counts.good : null],
    ["StoredBytes", "Bytes", up ? storedBytes : null],
    ["NextRunIn", "Seconds", next === null ? null : (next - now) / 1000],
  ];
  const known = values.filter(([, , value]) => value !== null && value !== undefined);
  return {
    _aws: {
      Timestamp: now,
      CloudWatchMetrics: [
        {
          Namespace: EMF_NAMESPACE,
          Dimensions: [["node", "vault"]],
          Metrics: known.map(([Name, Unit]) => ({ Name, Unit })),
        },
      ],
    },
    node,
    vault,
    ...Object.fromEntries(known.map(([name, , value]) => [name, value])),
  };
}
