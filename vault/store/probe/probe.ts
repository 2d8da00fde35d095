import { isColdkeepError, messageOf } from "../../names/index.ts";
import type { ApprovedPlan, Deleter, ObjectInfo, PlannedDelete, Store } from "../facets.ts";
import { STORE_CHECKS } from "./checks.ts";
import { BrokenGuarantee, type ProbeContext, type ProbeFinding, type ProbeReport, type StoreCheck } from "./types.ts";

/** No node's name begins so: what a probe puts can never be taken for a node's. */
const ROOT = "_probe-";

export interface ProbeOptions {
  readonly store: Store & Partial<Deleter>;
  /** 16 hex digits that no other probe has. */
  readonly run: string;
  readonly now: () => number;
  readonly signal?: AbortSignal;
}

/**
 * Sees what a store guarantees, under names that no node can have, and removes what it put as far as it may. A right that
 * is missing, or a store that does not answer, is a finding and no error.
 */
export async function probeStore(options: ProbeOptions): Promise<ProbeReport> {
  const { store, run, now, signal } = options;
  const prefix = `${ROOT}${run}/`;
  const made = new Map<string, PlannedDelete>();
  const context: ProbeContext = {
    store,
    prefix,
    now,
    name: (leaf) => `${prefix}${leaf}`,
    made: (name, info) => void made.set(`${name} ${info.version ?? info.etag}`, planned(name, info)),
  };
  const findings: ProbeFinding[] = [];
  try {
    for (const check of STORE_CHECKS) {
      signal?.throwIfAborted();
      findings.push(await find(check, context));
    }
  } finally {
    await tryRemove(store, prefix, made);
  }
  return { findings, left: [...new Set([...made.values()].map(({ name }) => name))] };
}

async function find(check: StoreCheck, context: ProbeContext): Promise<ProbeFinding> {
  const { name, guarantee, otherwise, weight } = check;
  const finding = (result: ProbeFinding["result"], found: string) => ({
    name,
    guarantee,
    otherwise,
    weight,
    result,
    found,
  });
  try {
    return finding("holds", await check.see(context));
  } catch (error) {
    if (error instanceof BrokenGuarantee) return finding("broken", error.message);
    if (isColdkeepError(error, "permission") || isColdkeepError(error, "refused")) {
      return finding("denied", error.message);
    }
    return finding("unknown", messageOf(error));
  }
}

/** Takes out of `made` what is gone afterwards. */
async function tryRemove(store: Partial<Deleter>, prefix: string, made: Map<string, PlannedDelete>): Promise<void> {
  if (store.delete === undefined) return;
  // The deepest first: a folder goes with its last object.
  for (const [key, object] of [...made].sort(([, a], [, b]) => depth(b.name) - depth(a.name))) {
    try {
      for await (const { outcome } of store.delete(ownPlan(prefix, object))) {
        if (outcome !== "locked") made.delete(key);
      }
    } catch (error) {
      // What stays is told by name.
      if (!isColdkeepError(error)) throw error;
    }
  }
}

/** The one plan that no retention approves: of a probe's own objects, which no snapshot can use. */
function ownPlan(prefix: string, object: PlannedDelete): ApprovedPlan {
  if (!object.name.startsWith(prefix)) throw new RangeError(`${object.name} is not the probe's`);
  return { objects: [object] } as Omit<ApprovedPlan, "__brand"> as ApprovedPlan;
}

function depth(name: string): number {
  return name.split("/").length;
}

function planned(name: string, { etag, version }: ObjectInfo): PlannedDelete {
  return { name, etag, ...(version === undefined ? {} : { version }) };
}
