import { Effect, type IRole, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { BUCKET_ACTIONS, type FacetName, OBJECT_ACTIONS } from "../vault/store/s3/rights.ts";
import type { Grants } from "./jobs.ts";
import { acknowledgeWildcards } from "./nag.ts";
import { objectArns, type VaultPlace } from "./place.ts";

type Conditions = Record<string, Record<string, string>>;

const NEW: Conditions = { Null: { "s3:if-none-match": "false" } };
const AS_READ: Conditions = { Null: { "s3:if-match": "false" } };

/** Under which conditions a facet puts; each stands in a statement of its own, of which any suffices. */
const PUTS: Readonly<Partial<Record<FacetName, Readonly<Record<string, Conditions>>>>> = {
  Creator: { Creator: NEW },
  Replacer: { Replacer: AS_READ, ReplacerOfNothing: NEW },
};

/** Gives a role what a job's facets ask of S3, and no more: nothing is put but on a condition. */
export function grantFacets(role: IRole, place: VaultPlace, grants: Grants): void {
  const allow = (
    sid: string,
    actions: readonly string[],
    resources: readonly string[],
    conditions: Conditions = {},
  ) => {
    if (actions.length === 0) return;
    role.addToPrincipalPolicy(
      new PolicyStatement({ sid, effect: Effect.ALLOW, actions: [...actions], resources: [...resources], conditions }),
    );
  };
  for (const [facet, names] of Object.entries(grants) as [FacetName, readonly string[]][]) {
    const resources = objectArns(place, names);
    const puts = (action: string) => action === "s3:PutObject";
    if (OBJECT_ACTIONS[facet].length > 0) {
      acknowledgeWildcards(role, resources, "objects of nodes whose names and snapshots no stack can know");
    }
    for (const [sid, conditions] of Object.entries(PUTS[facet] ?? {})) {
      allow(sid, OBJECT_ACTIONS[facet].filter(puts), resources, conditions);
    }
    allow(
      `${facet}OfObjects`,
      OBJECT_ACTIONS[facet].filter((action) => !puts(action)),
      resources,
    );
    allow(`${facet}OfBucket`, BUCKET_ACTIONS[facet], [place.bucket.bucketArn]);
  }
  place.bucket.encryptionKey?.grant(role, "kms:Decrypt", "kms:GenerateDataKey");
}
