import type { NodeName, Progress, SnapshotId, VaultId } from "../../vault/names/index.ts";
import type { Creator, Lister, Reader, Replacer } from "../../vault/store/facets.ts";
import type { ObjectDamage } from "../pack-lists.ts";
import type { NodeScope } from "../read.ts";
import type { PlansRead } from "./planned.ts";

export type CopySource = Reader;
/** Replacer for key files alone, which rotation rewrites. */
export type CopyTarget = Reader & Creator & Replacer & Lister;

export interface CopyOptions {
  readonly from: CopySource;
  readonly to: CopyTarget;
  /** Refuses another archive where given. */
  readonly vault?: VaultId;
  readonly node: NodeName;
  /** Parents before children, that is oldest first. */
  readonly ids: readonly SnapshotId[];
  /** Only looks what there is to do. */
  readonly dryRun?: boolean;
  /** Also looks at every object of snapshots whose card is there already, and brings what is missing. */
  readonly repair?: boolean;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** What one job knows by now, so that what several snapshots share is looked at once. */
export interface CopyJob {
  readonly options: CopyOptions;
  readonly scope: NodeScope;
  /** Public half of the key that signs the node's cards. */
  readonly key: string;
  /** Names of objects that the target has. */
  readonly assured: Set<string>;
  readonly plans: PlansRead;
}

/** How many objects, and their bytes. */
export interface Amount {
  readonly objects: number;
  readonly bytes: number;
}

export interface CopyVerdict {
  readonly snapshot: SnapshotId;
  /** `there`: it was before. `damaged`: something is missing or wrong here or there, and no card was put. */
  readonly outcome: "copied" | "there" | "damaged";
  readonly damages: readonly ObjectDamage[];
  readonly notes: readonly string[];
  /** What was sent, or would be. */
  readonly sent: Amount;
  /** What the target had already. */
  readonly kept: Amount;
}
