import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { AnyPrincipal, Effect, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type CfnBucket,
  type IBucket,
  ObjectLockRetention,
  ObjectOwnership,
  StorageClass,
} from "aws-cdk-lib/aws-s3";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { names } from "../vault/names/index.ts";
import { acknowledge, acknowledgeWildcards } from "./nag.ts";
import type { InfraConfig } from "./types.ts";

const CLASSES = {
  STANDARD_IA: StorageClass.INFREQUENT_ACCESS,
  GLACIER_IR: StorageClass.GLACIER_INSTANT_RETRIEVAL,
  GLACIER: StorageClass.GLACIER,
  DEEP_ARCHIVE: StorageClass.DEEP_ARCHIVE,
};

export interface VaultBucketProps {
  readonly config: Pick<InfraConfig, "bucket" | "prefix" | "replication">;
}

/**
 * The bucket a vault lies in, or one that is there already, of which nothing is changed. A new one keeps versions and
 * locks them, is private, encrypted and reached by TLS alone, and outlives its stack.
 */
export class VaultBucket extends Construct {
  readonly bucket: IBucket;
  /** False for one that was there already. */
  readonly made: boolean;
  private readonly own: Bucket | null;

  constructor(scope: Construct, id: string, { config }: VaultBucketProps) {
    super(scope, id);
    const { existing } = config.bucket;
    this.made = existing === undefined;
    this.own = existing === undefined ? this.makeBucket(config) : null;
    this.bucket = (this.own as IBucket | null) ?? Bucket.fromBucketName(this, "Existing", existing as string);
    if (this.own !== null && config.replication !== undefined) this.replicate(this.own, config.replication);
  }

  private makeBucket({ bucket: written }: VaultBucketProps["config"]): Bucket {
    const { name, kms_key_arn, lock, transitions, noncurrent_days } = written;
    const key = kms_key_arn === undefined ? undefined : Key.fromKeyArn(this, "Key", kms_key_arn);
    const days = Duration.days(lock.days);
    const bucket = new Bucket(this, "Bucket", {
      ...(name === undefined ? {} : { bucketName: name }),
      versioned: true,
      objectLockEnabled: true,
      ...(lock.mode === "off"
        ? {}
        : {
            objectLockDefaultRetention:
              lock.mode === "compliance" ? ObjectLockRetention.compliance(days) : ObjectLockRetention.governance(days),
          }),
      ...(key === undefined
        ? { encryption: BucketEncryption.S3_MANAGED }
        : { encryption: BucketEncryption.KMS, encryptionKey: key, bucketKeyEnabled: true }),
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [
        {
          id: "leftovers",
          abortIncompleteMultipartUploadAfter: Duration.days(3),
          noncurrentVersionExpiration: Duration.days(noncurrent_days),
          expiredObjectDeleteMarker: true,
        },
        ...(transitions.length === 0
          ? []
          : [
              {
                id: "cheaper",
                // Lists and cards are read every day, and are small: only what a pack weighs moves.
                objectSizeGreaterThan: 1 << 20,
                transitions: transitions.map((one) => ({
                  storageClass: CLASSES[one.class],
                  transitionAfter: Duration.days(one.after_days),
                })),
              },
            ]),
      ],
    });
    acknowledge(
      bucket,
      "AwsSolutions-S1",
      "who put what is said by versions and receipts; turn on CloudTrail for more",
    );
    return bucket;
  }

  /** Only who is named may put an object in an existing one's place, and nobody hides one behind a delete marker. */
  protect(replacers: readonly string[], deleters: readonly string[], operator: string): void {
    const { own } = this;
    if (own === null) return;
    const objects = [own.arnForObjects("*")];
    const key = own.arnForObjects("*/key.json");
    const except = (arns: readonly string[]) => ({ ArnNotEquals: { "aws:PrincipalArn": [...arns] } });
    own.addToResourcePolicy(
      new PolicyStatement({
        sid: "CreateOnly",
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ["s3:PutObject"],
        resources: objects,
        conditions: {
          Null: { "s3:if-none-match": "true" },
          Bool: { "s3:ObjectCreationOperation": "true" },
          ...except([...replacers, operator]),
        },
      }),
    );
    own.addToResourcePolicy(
      new PolicyStatement({
        sid: "OperatorReplacesKeyFilesOnly",
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ["s3:PutObject"],
        notResources: [key, own.arnForObjects(`*${names.REVOKED_TICKETS}`)],
        conditions: {
          Null: { "s3:if-none-match": "true" },
          Bool: { "s3:ObjectCreationOperation": "true" },
          ArnEquals: { "aws:PrincipalArn": operator },
        },
      }),
    );
    own.addToResourcePolicy(
      new PolicyStatement({
        sid: "NoDeleteMarkers",
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ["s3:DeleteObject"],
        resources: objects,
      }),
    );
    own.addToResourcePolicy(
      new PolicyStatement({
        sid: "RetentionAloneDeletes",
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ["s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"],
        resources: objects,
        conditions: except(deleters),
      }),
    );
  }

  /** Tells a queue of cards that arrive. By the bucket's own property: CDK's way brings a function of its own along. */
  notify(queue: IQueue): void {
    const { own } = this;
    if (own === null) return;
    (own.node.defaultChild as CfnBucket).notificationConfiguration = {
      // For the audit trail.
      eventBridgeConfiguration: { eventBridgeEnabled: true },
      queueConfigurations: [
        {
          event: "s3:ObjectCreated:*",
          queue: queue.queueArn,
          filter: { s3Key: { rules: [{ name: "suffix", value: names.CARD_SUFFIX }] } },
        },
      ],
    };
    // S3 tries the queue when the bucket is made.
    own.node.addDependency(queue.node.findChild("Policy"));
  }

  private replicate(own: Bucket, { bucket_arn, account }: NonNullable<InfraConfig["replication"]>): void {
    const role = new Role(this, "ReplicationRole", { assumedBy: new ServicePrincipal("s3.amazonaws.com") });
    const allow = (actions: string[], resources: string[]) =>
      role.addToPrincipalPolicy(new PolicyStatement({ effect: Effect.ALLOW, actions, resources }));
    allow(["s3:GetReplicationConfiguration", "s3:ListBucket"], [own.bucketArn]);
    const from = own.arnForObjects("*");
    allow(
      [
        "s3:GetObjectVersionForReplication",
        "s3:GetObjectVersionTagging",
        "s3:GetObjectRetention",
        "s3:GetObjectLegalHold",
      ],
      [from],
    );
    allow(["s3:ReplicateObject", "s3:ReplicateTags"], [`${bucket_arn}/*`]);
    acknowledgeWildcards(role, [from, `${bucket_arn}/*`], "replication takes all objects there are");
    (own.node.defaultChild as CfnBucket).replicationConfiguration = {
      role: role.roleArn,
      rules: [
        {
          id: "everything",
          status: "Enabled",
          priority: 1,
          filter: { prefix: "" },
          // What retention deletes here it leaves there: a replica is the last resort, and has a lifecycle of its own.
          deleteMarkerReplication: { status: "Disabled" },
          destination: { bucket: bucket_arn, ...(account === undefined ? {} : { account }) },
        },
      ],
    };
  }
}
