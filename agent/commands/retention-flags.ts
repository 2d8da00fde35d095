import type { FlagParametersForType } from "@stricli/core";
import type { Despite } from "../../keeper/index.ts";
import { ColdkeepError } from "../../vault/names/index.ts";

export interface ModeFlags {
  readonly dryRun?: boolean;
  readonly apply?: boolean;
}

export interface ForgetFlags extends ModeFlags {
  readonly despite?: readonly Despite[];
}

export interface ForgetSomeFlags extends ForgetFlags {
  readonly force?: boolean;
}

export const MODE_FLAGS: FlagParametersForType<ModeFlags> = {
  dryRun: { kind: "boolean", optional: true, withNegated: false, brief: "Say what would be done, and change nothing" },
  apply: { kind: "boolean", optional: true, withNegated: false, brief: "Do it" },
};

export const DESPITE_FLAG: FlagParametersForType<Pick<ForgetFlags, "despite">> = {
  despite: {
    kind: "enum",
    values: ["share", "clock", "anomaly", "damage"],
    variadic: true,
    optional: true,
    brief: "Go on despite this, this once; may be given several times",
  },
};

/** True where it is to be done, false where only planned. @throws ColdkeepError `usage` unless one of both is given. */
export function isApply({ dryRun, apply }: ModeFlags): boolean {
  if ((dryRun === true) !== (apply === true)) return apply === true;
  throw new ColdkeepError("usage", {
    what: "it is not said whether to do it or only to plan it",
    why: dryRun === true ? "--dry-run and --apply are both given" : "neither --dry-run nor --apply is given",
    todo: "give one of both: --dry-run shows the plan, --apply carries it out",
  });
}
