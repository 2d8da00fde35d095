/**
 * The facets of a store as IAM knows them: what each asks of S3. Policies are made from this and from nothing else, so
 * what a role may do and what a job's signature asks for are one list.
 */
export type FacetName = "Reader" | "Creator" | "Replacer" | "Lister" | "Deleter" | "LockTeller" | "Locker";

/** Asked of objects. */
export const OBJECT_ACTIONS: Readonly<Record<FacetName, readonly string[]>> = {
  // By version what a delete marker hides.
  Reader: ["s3:GetObject", "s3:GetObjectVersion"],
  Creator: ["s3:PutObject", "s3:AbortMultipartUpload"],
  Replacer: ["s3:PutObject"],
  Lister: [],
  // By version, of which it looks at size, etag and lock first.
  Deleter: ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention", "s3:DeleteObjectVersion"],
  LockTeller: ["s3:GetObjectRetention"],
  Locker: ["s3:PutObjectRetention"],
};

/** Asked of the bucket. Who may list is told of what is not there that it is not there; others are denied. */
export const BUCKET_ACTIONS: Readonly<Record<FacetName, readonly string[]>> = {
  Reader: [],
  Creator: [],
  Replacer: [],
  // Versions, where they are kept: delete markers, which are never coldkeep's, are looked through.
  Lister: ["s3:ListBucket", "s3:GetBucketVersioning", "s3:ListBucketVersions"],
  // Nothing is deleted by who cannot see what such markers hide.
  Deleter: ["s3:GetBucketVersioning", "s3:ListBucketVersions"],
  LockTeller: ["s3:GetBucketObjectLockConfiguration"],
  Locker: [],
};

/** What a host puts for its node, by name below the vault's prefix; `N` is the node. */
const HOST_CREATES = ["node.json", "begins/*", "data/*", "snapshots/*.card.json", "proofs/*"];
/** What it asks for: whether the name is its own, and what became of its snapshots. */
const HOST_READS = ["node.json", "head.json", "index.json"];

/** One statement of a policy, as IAM writes it. */
export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * All that one node's host needs: it adds objects below its own prefix and never replaces one, reads three small ones of
 * its own and the vault's, and can neither read back, list nor delete anything.
 * @param bucketArn such as `arn:aws:s3:::bucket`
 * @param prefix the vault's, without slashes at its ends; empty where the vault fills its bucket
 * @param group of whose nodes only so many are down at once; null where the node has none
 * @param sets groups that are captured as one set, and this node with them
 */
export function hostStatements(
  bucketArn: string,
  prefix: string,
  node: string,
  group: string | null,
  sets: readonly string[] = [],
): readonly Statement[] {
  const root = prefix === "" ? bucketArn : `${bucketArn}/${prefix}`;
  const own = (names: readonly string[]) => names.map((name) => `${root}/${node}/${name}`);
  // Turns to be down: each is put once, and looked at by all of the group.
  const turns = group === null ? [] : [`${root}/groups/${group}/down/*`];
  const cards = sets.map((set) => `${root}/groups/${set}/*.group.json`);
  return [
    {
      Sid: "AddAndNeverReplace",
      Effect: "Allow",
      Action: ["s3:PutObject"],
      Resource: [...own(HOST_CREATES), ...turns, ...cards],
      Condition: { Null: { "s3:if-none-match": "false" } },
    },
    {
      // A part of an object that goes up in several; the object's name is given under the condition above.
      Sid: "GiveUpParts",
      Effect: "Allow",
      Action: ["s3:AbortMultipartUpload"],
      Resource: own(["data/*"]),
    },
    {
      Sid: "ReadOwnState",
      Effect: "Allow",
      Action: ["s3:GetObject"],
      Resource: [...own(HOST_READS), `${root}/vault.json`, ...turns],
    },
  ];
}
