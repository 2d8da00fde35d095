import type { NodeSettings } from "../config/index.ts";
import { allProfiles } from "../profiles/index.ts";
import { counted, facts, formatBytes, formatDuration, formatHeights, formatRate, formatTime } from "../report/index.ts";
import type { RestorePlan, RestoreResult } from "../restore/index.ts";
import { originWords } from "./opening.ts";
import { roomText } from "./restore-outlook.ts";

const REPLACES: Readonly<Record<RestorePlan["roots"][number]["replaces"], string>> = {
  nothing: "made anew",
  empty: "empty now",
  data: "its data is replaced",
};

/** What a restore would do. @param outlook how long it takes @param end what becomes of the node */
export function planText(plan: RestorePlan, outlook: string, end: string | null): string {
  return facts([
    ["snapshot", `${plan.snapshot}, number ${plan.seq}`],
    ["height", formatHeights(plan.heights)],
    [
      "received",
      plan.receivedAt === null ? "unknown: its begin is gone" : `${formatTime(plan.receivedAt)} by the vault's clock`,
    ],
    ["captured", `${formatTime(plan.capturedAt)} by its host's clock`],
    ["origin", originWords(plan.origin, plan.signer)],
    ["key", plan.opened.openedBy],
    [
      "content",
      `${formatBytes(plan.bytes)} in ${counted(plan.files, "file")}, ${counted(plan.directories, "folder")}, ${counted(plan.links, "link")}`,
    ],
    ["fetch", `${formatBytes(plan.fetch.bytes)} in ${counted(plan.fetch.requests, "request")}`],
    ["takes", outlook],
    ["space", roomText(plan)],
    ["into", plan.roots.map(({ name, target, replaces }) => `${name} → ${target}, ${REPLACES[replaces]}`).join("\n")],
    ...(plan.unfinished.length === 0
      ? []
      : [["goes on", `from what was staged before in ${plan.unfinished.join(", ")}`] as const]),
    ...(end === null ? [] : [["then", end] as const]),
  ]);
}

/** What a node was found to be, or was left as, after its restore. */
export interface NodeAfter {
  /** Said of a node that was started again. */
  readonly running?: string;
  /** Why it was not, where that has to be said. */
  readonly stopped?: string | null;
  /** Of the profile's words, those that were done already. */
  readonly steps?: readonly string[];
}

/** What a restore did, and what to do next. */
export function resultText(result: RestoreResult, node: NodeSettings, inPlace: boolean, after: NodeAfter = {}): string {
  const { bytes, seconds, files, fetched, reused, roots, notes } = result;
  const taken = reused === 0 ? "" : `, ${formatBytes(reused)} were there already`;
  const rows: (readonly [string, string])[] = [
    ["restored", `${formatBytes(bytes)} in ${counted(files, "file")}; every digest was checked`],
    [
      "took",
      `${formatDuration(seconds * 1000)}, ${formatRate(bytes, seconds * 1000)}; ${formatBytes(fetched)} fetched${taken}`,
    ],
    ["into", roots.map(({ name, target }) => `${name} → ${target}`).join("\n")],
  ];
  const old = roots.flatMap(({ old }) => (old === undefined ? [] : [old]));
  if (old.length > 0) rows.push(["kept", old.join("\n")]);
  if (notes.length > 0) rows.push(["notes", notes.slice(0, 20).join("\n")]);
  return `${facts(rows)}\n\n${next(node, inPlace, old.length > 0, after)}`;
}

/** What a container that had no volume must be given as one: `<folder here>:<folder inside>`. */
export function volumesOf({ service, roots }: NodeSettings): string[] {
  if (service.manager !== "docker") return [];
  return Object.entries(service.copyOut ?? {}).flatMap(([name, inside]) =>
    roots.flatMap((root) => (root.name === name ? [`${root.path}:${inside}`] : [])),
  );
}

/** A container without a volume does not see what lies on its host: what its definition has to say from now on. */
function volumesText(node: NodeSettings): string[] {
  const { service } = node;
  const volumes = volumesOf(node);
  if (service.manager !== "docker" || volumes.length === 0) return [];
  return [
    `Container ${service.container} has no volume, and would start without this data. Make it anew with (volumes: of compose, or -v):`,
    ...volumes.map((line) => `  - ${line}`),
    "Then take copy_out out of the configuration: the folders are the node's own from now on.",
  ];
}

const LEFT_TO_YOU =
  "move them there, give them its owner, start it, and see that it answers. With a configuration (--config, without --to) a restore does all of that.";

function next(node: NodeSettings, inPlace: boolean, keptOld: boolean, done: NodeAfter): string {
  const { running, stopped, steps = [] } = done;
  const { name, service, profile, roots } = node;
  if (!inPlace && roots.length === 0) {
    return `Nothing tells here where ${name} has these folders, nor how it is started: ${LEFT_TO_YOU}`;
  }
  if (!inPlace) return `The folders of ${name} were not touched. Try the copy before you rely on it.`;
  const start =
    service.manager === "command" && typeof service.start === "string"
      ? `: ${service.start}`
      : service.manager === "systemd"
        ? `: systemctl start ${service.unit}`
        : "";
  const old = keptOld ? " Remove the kept folders once it runs well." : "";
  const after = allProfiles().find((known) => known.name === profile)?.after ?? [];
  const todo = after.filter((step) => !steps.includes(step));
  const left = stopped === undefined || stopped === null ? "" : `${stopped} `;
  const now = running ?? `${left}Start ${name} now${start}, and see that it answers.`;
  return [...volumesText(node), `${now}${old}`, ...todo].join("\n");
}
