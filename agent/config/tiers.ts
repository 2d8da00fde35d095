import {
  DEFAULT_FLOOR,
  DEFAULT_GRACE,
  faultOfTiers,
  parseSpan,
  parseTimeOfDay,
  type Span,
  type Tiers,
  UNITS,
  type Unit,
} from "../../vault/retain/index.ts";
import { parseDuration } from "./duration.ts";
import type { Mistake } from "./parse.ts";
import type { WrittenConfig } from "./schema.ts";
import type { WrittenTiers } from "./schema-tiers.ts";
import type { Config, NodeSettings, VaultSettings } from "./types.ts";

/** The rules of a mapping that follows the schema. */
export function tiersOf(written: WrittenTiers): Tiers {
  const keep: Partial<Record<Unit, number>> = {};
  const within: Partial<Record<Unit, Span>> = {};
  for (const unit of UNITS) {
    const count = written[`keep_${unit}` as const];
    if (count !== undefined) keep[unit] = count === "unlimited" ? Number.POSITIVE_INFINITY : count;
    const text = written[unit === "last" ? "keep_within" : (`keep_within_${unit}` as const)];
    const span = text === undefined ? null : parseSpan(text);
    if (span !== null) within[unit] = span;
  }
  const permanent = written.permanent === undefined ? null : parseTimeOfDay(written.permanent);
  const interval = periodOf(written.interval);
  return {
    keep,
    within,
    tags: (written.keep_tags ?? []).map((set) => set.split(",")),
    ...(permanent === null ? {} : { permanent }),
    timezone: written.timezone,
    floor: periodOf(written.floor) ?? DEFAULT_FLOOR,
    grace: periodOf(written.grace) ?? DEFAULT_GRACE,
    ...(interval === null || interval === 0 ? {} : { interval }),
  };
}

function periodOf(text: string | undefined): number | null {
  return text === undefined ? null : parseDuration(text);
}

/** What the schema cannot say of rules: that together they keep something, and do not speak against each other. */
export function checkTiers({ tiers, vault, vaults, nodes }: WrittenConfig): Mistake[] {
  const places: (readonly [Mistake["path"], WrittenTiers | undefined])[] = [
    [["tiers"], tiers],
    [["vault", "tiers"], typeof vault === "object" ? vault.tiers : undefined],
    ...(vaults ?? []).map((one, at) => [["vaults", at, "tiers"], one.tiers] as const),
    ...Object.entries(nodes).map(([name, one]) => [["nodes", name, "tiers"], one.tiers] as const),
  ];
  return places.flatMap(([path, written]) => {
    const words = written === undefined ? null : faultOfTiers(tiersOf(written));
    return words === null ? [] : [{ path, words }];
  });
}

const DIRECTORY_DAYS = 7;
const BUCKET_DAYS = 15;

/**
 * The rules for a node's snapshots in a vault: the node's own, else the vault's, else those of the whole file. Where none
 * are written, all of a week are kept in a directory and of 15 days elsewhere; `written` is false then.
 */
export function tiersFor(
  { tiers }: Pick<Config, "tiers">,
  vault: VaultSettings,
  node: NodeSettings,
): { readonly tiers: Tiers; readonly written: boolean } {
  const written = node.tiers ?? vault.tiers ?? tiers;
  if (written !== undefined) return { tiers: written, written: true };
  const days = vault.url.startsWith("file:") ? DIRECTORY_DAYS : BUCKET_DAYS;
  return { tiers: tiersOf({ keep_within: `${days}d`, timezone: "UTC" }), written: false };
}
