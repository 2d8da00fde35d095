import { Stack, Validations } from "aws-cdk-lib";
import type { Construct } from "constructs";

/** Takes a finding of cdk-nag as it is, for a reason that whoever reads the stack can judge. */
export function acknowledge(on: Construct, id: string, reason: string): void {
  Validations.of(on).acknowledge({ id, reason });
}

/** The same for resources with a `*` in them, each named as cdk-nag names it. */
export function acknowledgeWildcards(on: Construct, resources: readonly string[], reason: string): void {
  for (const resource of resources) {
    acknowledge(on, `AwsSolutions-IAM5[Resource::${nagName(on, resource)}]`, reason);
  }
}

/** cdk-nag writes a reference as `<LogicalId.Attribute>` and a parameter of AWS's as `<AWS::Partition>`. */
function nagName(on: Construct, resource: string): string {
  return flat(Stack.of(on).resolve(resource));
}

function flat(value: unknown): string {
  if (typeof value === "string") return value;
  const [key, inner] = Object.entries(value as Record<string, unknown>)[0] ?? [];
  if (key === "Ref") return `<${String(inner)}>`;
  if (key === "Fn::GetAtt") return `<${(inner as string[]).join(".")}>`;
  if (key === "Fn::Join") return ((inner as [string, unknown[]])[1] as unknown[]).map(flat).join("");
  return JSON.stringify(value);
}
