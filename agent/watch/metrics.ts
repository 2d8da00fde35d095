import type { Alarm, Standing } from "../../vault/watch/types.ts";

/** One node in one vault, as metrics tell of it. */
export interface Measured {
  readonly node: string;
  readonly vault: string;
  readonly standing: Standing;
  /** Milliseconds since the epoch; null where no timer is known. */
  readonly next: number | null;
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

const KINDS: readonly Alarm["kind"][] = ["none", "stale", "damaged", "unproven", "unreachable"];

/**
 * Text for the textfile collector of node_exporter, in Prometheus' text format 0.0.4. What is not known has no sample, so
 * that a rule on it does not take it for 0.
 * @param now milliseconds since the epoch
 */
export function renderMetrics(all: readonly Measured[], now: number): string {
  const each = (value: (one: Measured) => number | null | undefined): Sample[] =>
    all.flatMap((one) => {
      const found = value(one);
      return found === null || found === undefined ? [] : [[{ node: one.node, vault: one.vault }, found] as const];
    });
  const seconds = (time: number | null | undefined) => (time === null || time === undefined ? null : time / 1000);
  const families: readonly (readonly [name: string, help: string, samples: readonly Sample[]])[] = [
    ["status_timestamp_seconds", "When this was looked at.", [[{}, now / 1000]]],
    ["vault_up", "Whether the vault answered for this node.", each((one) => (isUp(one) ? 1 : 0))],
    [
      "latest_received_timestamp_seconds",
      "When the vault received the newest good snapshot.",
      each(({ standing }) => seconds(standing.latest?.received)),
    ],
    [
      "latest_size_bytes",
      "Bytes of the newest good snapshot's files.",
      each(({ standing }) => standing.latest?.bytes.total),
    ],
    ["latest_files", "Files of the newest good snapshot.", each(({ standing }) => standing.latest?.bytes.files)],
    [
      "latest_added_bytes",
      "Sealed bytes that the newest good snapshot added to the vault.",
      each(({ standing }) => standing.latest?.bytes.stored),
    ],
    [
      "latest_downtime_seconds",
      "How long the node was down for the newest good snapshot.",
      each(({ standing }) => seconds(standing.latest?.downtime_ms)),
    ],
    ["latest_height", "Height of the newest good snapshot, by channel.", all.flatMap(heightsOf)],
    [
      "proven_timestamp_seconds",
      "When a drill last proved a snapshot.",
      each(({ standing }) => seconds(standing.proven?.at)),
    ],
    ["snapshots", "Snapshots that were looked at, by state.", all.filter(isUp).flatMap(countsOf)],
    ["stored_bytes", "Sealed bytes that these added.", each((one) => (isUp(one) ? one.standing.storedBytes : null))],
    ["next_run_timestamp_seconds", "When the timer starts the next backup.", each(({ next }) => seconds(next))],
    ["alarm", "1 where this is amiss.", all.flatMap(alarmsOf)],
  ];
  return families
    .filter(([, , samples]) => samples.length > 0)
    .map(([name, help, samples]) => {
      const head = `# HELP coldkeep_${name} ${help}\n# TYPE coldkeep_${name} gauge\n`;
      return head + samples.map(([labels, value]) => `coldkeep_${name}${labelText(labels)} ${value}\n`).join("");
    })
    .join("");
}

function isUp({ standing }: Measured): boolean {
  return !standing.alarms.some(({ kind }) => kind === "unreachable");
}

function heightsOf({ node, vault, standing }: Measured): Sample[] {
  return Object.entries(standing.latest?.heights ?? {}).map(([channel, height]) => [{ node, vault, channel }, height]);
}

function countsOf({ node, vault, standing }: Measured): Sample[] {
  return Object.entries(standing.counts).map(([state, count]) => [{ node, vault, state }, count]);
}

function alarmsOf({ node, vault, standing }: Measured): Sample[] {
  const raised = new Set(standing.alarms.map(({ kind }) => kind));
  return KINDS.map((kind) => [{ node, vault, kind }, raised.has(kind) ? 1 : 0]);
}

function labelText(labels: Labels): string {
  const all = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`,
  );
  return all.length === 0 ? "" : `{${all.join(",")}}`;
}
