import { type Duration, RemovalPolicy } from "aws-cdk-lib";
import { Effect, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, Function as LambdaFunction, Runtime, Tracing } from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { COMMON_ENV, type WrittenSettings } from "../lambdas/common/contract.ts";
import { codeOf } from "./handlers.ts";
import { acknowledgeWildcards } from "./nag.ts";
import { type VaultPlace, vaultUrl } from "./place.ts";

/** What all functions of a stack have in common. */
export interface FunctionBase {
  readonly place: VaultPlace;
  /** Folder of the built functions. */
  readonly handlers: string;
  readonly settings: WrittenSettings;
  readonly logDays: RetentionDays;
  readonly xray: boolean;
  /** For servers other than AWS's. */
  readonly pathStyle?: boolean;
}

export interface KeeperFunctionProps {
  readonly base: FunctionBase;
  /** Folder of its bundle. */
  readonly name: string;
  readonly description: string;
  /** MB. */
  readonly memory: number;
  readonly timeout: Duration;
  /** The most that run at once. */
  readonly concurrency?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A function with a role and a log group of its own. The role may write that log, and what is granted further on. */
export class KeeperFunction extends Construct {
  readonly role: Role;
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: KeeperFunctionProps) {
    super(scope, id);
    const { base, name, description, memory, timeout, concurrency, environment } = props;
    const logGroup = new LogGroup(this, "Log", { retention: base.logDays, removalPolicy: RemovalPolicy.DESTROY });
    this.role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    this.role.addToPrincipalPolicy(
      new PolicyStatement({
        sid: "WriteLog",
        effect: Effect.ALLOW,
        actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
        resources: [logGroup.logGroupArn],
      }),
    );
    this.function = new LambdaFunction(this, "Function", {
      description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: codeOf(base.handlers, name, base.settings),
      handler: "index.handler",
      memorySize: memory,
      timeout,
      role: this.role.withoutPolicyUpdates(),
      logGroup,
      tracing: base.xray ? Tracing.ACTIVE : Tracing.DISABLED,
      ...(concurrency === undefined ? {} : { reservedConcurrentExecutions: concurrency }),
      environment: {
        [COMMON_ENV.vault]: vaultUrl(base.place),
        ...(base.pathStyle === true ? { [COMMON_ENV.pathStyle]: "true" } : {}),
        ...environment,
      },
    });
    // The role's rights first: an event may arrive with the function.
    this.function.node.addDependency(this.role);
    acknowledgeWildcards(this.role, [logGroup.logGroupArn], "the streams of its own log group, which Lambda names");
  }
}
