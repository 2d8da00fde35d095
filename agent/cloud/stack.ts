import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
} from "@aws-sdk/client-cloudformation";
import { ColdkeepError } from "../../vault/names/index.ts";
import { type CloudPlace, clientConfig, limited } from "./clients.ts";
import { cloudError } from "./errors.ts";

/** A stack as CloudFormation tells of it. */
export interface Stack {
  readonly name: string;
  readonly region: string;
  /** CloudFormation's own word, such as UPDATE_COMPLETE. */
  readonly status: string;
  /** Milliseconds since the epoch. */
  readonly changed: number;
  readonly outputs: Readonly<Record<string, string>>;
  /** Names of its alarms, as CloudWatch knows them. */
  readonly alarms: readonly string[];
}

/** @throws ColdkeepError `not-found` where there is no such stack. */
export async function readStack(name: string, place: CloudPlace): Promise<Stack> {
  const client = new CloudFormationClient(clientConfig(place));
  const about = ["cannot look at the stack", name] as const;
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: name }), limited(place));
    const found = Stacks?.[0];
    if (found === undefined) throw noStack(name);
    const { Outputs = [], StackStatus = "unknown", LastUpdatedTime, CreationTime } = found;
    const outputs = Outputs.flatMap(({ OutputKey, OutputValue }) =>
      OutputKey === undefined || OutputValue === undefined ? [] : [[OutputKey, OutputValue] as const],
    );
    return {
      name,
      region: await client.config.region(),
      status: StackStatus,
      changed: (LastUpdatedTime ?? CreationTime)?.getTime() ?? Number.NaN,
      outputs: Object.fromEntries(outputs),
      alarms: await alarmNames(client, name, place),
    };
  } catch (error) {
    if (error instanceof Error && error.name === "ValidationError" && /does not exist/.test(error.message)) {
      throw noStack(name);
    }
    throw cloudError(error, ...about, "cloudformation:DescribeStacks and cloudformation:ListStackResources");
  }
}

async function alarmNames(client: CloudFormationClient, StackName: string, place: CloudPlace): Promise<string[]> {
  const names: string[] = [];
  for await (const page of paginateListStackResources({ client, ...limited(place) }, { StackName })) {
    for (const { ResourceType, PhysicalResourceId } of page.StackResourceSummaries ?? []) {
      if (ResourceType === "AWS::CloudWatch::Alarm" && PhysicalResourceId !== undefined) names.push(PhysicalResourceId);
    }
  }
  return names;
}

function noStack(name: string): ColdkeepError {
  return new ColdkeepError("not-found", {
    what: "there is no such stack in this account and region",
    on: name,
    todo: "name another with --stack or --region, or make it: `coldkeep cloud deploy`",
  });
}
