import { CfnOutput, Stack } from "aws-cdk-lib";
import {
  AccountRootPrincipal,
  ArnPrincipal,
  CompositePrincipal,
  Effect,
  PolicyStatement,
  Role,
} from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import { acknowledgeWildcards } from "./nag.ts";
import { objectArns, type VaultPlace } from "./place.ts";
import type { InfraConfig } from "./types.ts";

/** What an operator adds: pins, marks, clearances, shares, tickets and a vault's own record. */
const OPERATOR_CREATES = [
  "vault.json",
  "*/pins/*",
  "*/snapshots/*.mark.*.json",
  "*/clearances/*",
  "*/shares/*",
  "tickets/*",
];
const OPERATOR_REPLACES = ["*/key.json", "tickets/revoked.json"];

export interface OperatorRoleProps {
  readonly place: VaultPlace;
  readonly config: Pick<InfraConfig, "operators">;
  /** Signs tickets; null where there are none. */
  readonly ticketKey: IKey | null;
}

/** The role of a person who changes keys, pins snapshots and makes tickets. It deletes nothing. */
export class OperatorRole extends Construct {
  readonly role: Role;

  constructor(scope: Construct, id: string, props: OperatorRoleProps) {
    super(scope, id);
    const { place, config, ticketKey } = props;
    const { operators } = config;
    const people = operators.map((arn) => new ArnPrincipal(arn));
    this.role = new Role(this, "Role", {
      description: "coldkeep: changes keys, pins snapshots, makes and revokes tickets",
      assumedBy: people.length === 0 ? new AccountRootPrincipal() : new CompositePrincipal(...people),
    });
    const allow = (
      sid: string,
      actions: string[],
      names: string[],
      conditions: Record<string, Record<string, string>> = {},
    ) => {
      const resources = objectArns(place, names);
      this.role.addToPrincipalPolicy(
        new PolicyStatement({ sid, effect: Effect.ALLOW, actions, resources, conditions }),
      );
      acknowledgeWildcards(this.role, resources, "objects of nodes whose names and snapshots no stack can know");
    };
    allow("Read", ["s3:GetObject", "s3:GetObjectVersion"], ["*"]);
    allow("Add", ["s3:PutObject"], OPERATOR_CREATES, { Null: { "s3:if-none-match": "false" } });
    allow("ReplaceWhatWasRead", ["s3:PutObject"], OPERATOR_REPLACES, { Null: { "s3:if-match": "false" } });
    if (ticketKey !== null) {
      this.role.addToPrincipalPolicy(
        new PolicyStatement({ sid: "SignTickets", actions: ["kms:GenerateMac"], resources: [ticketKey.keyArn] }),
      );
    }
    this.role.addToPrincipalPolicy(
      new PolicyStatement({
        sid: "List",
        effect: Effect.ALLOW,
        actions: ["s3:ListBucket", "s3:ListBucketVersions"],
        resources: [place.bucket.bucketArn],
      }),
    );
  }
}

/** The lines that are pasted into an agent's configuration. */
export function agentLines(scope: Construct, url: string): void {
  new CfnOutput(scope, "AgentConfig", {
    description: "into an agent's config.yaml",
    value: `vault: {url: "${url}", region: "${Stack.of(scope).region}", put_only: true}`,
  });
}
