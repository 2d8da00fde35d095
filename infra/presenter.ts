import { Duration, Stack, Token } from "aws-cdk-lib";
import { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpIamAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Key, KeySpec, KeyUsage } from "aws-cdk-lib/aws-kms";
import { Alias, FunctionUrlAuthType, type IFunction, type IVersion } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { PRESENTER_ENV, PRESENTER_SIZE } from "../lambdas/presenter/contract.ts";
import { type FunctionBase, KeeperFunction } from "./function.ts";
import { grantFacets } from "./grant.ts";
import { JOBS } from "./jobs.ts";
import { acknowledge } from "./nag.ts";
import { objectArns } from "./place.ts";

export interface PresenterProps {
  readonly base: FunctionBase;
  /** Whether a second URL answers whoever has a ticket. */
  readonly tickets: boolean;
  /** Where packs may lie in archive classes: how soon they are brought back for who asks. Default: they do not. */
  readonly bringBack?: "off" | "bulk" | "standard";
}

/** Requests at once, of both URLs together: a flood of them must not take the account's other functions along. */
const AT_ONCE = 20;

/**
 * The function that hands out URLs to restore by, behind one alias a way to prove who asks: by IAM, and, where asked for,
 * by a ticket whose signature a key in KMS checks. The key never leaves KMS; the function may verify and not sign.
 */
export class Presenter extends Construct {
  readonly worker: KeeperFunction;
  readonly iamUrl: string;
  /** Null without tickets, as is the key. */
  readonly ticketUrl: string | null;
  readonly ticketKey: Key | null;

  constructor(scope: Construct, id: string, { base, tickets, bringBack }: PresenterProps) {
    super(scope, id);
    this.ticketKey = tickets
      ? new Key(this, "TicketKey", {
          description: "coldkeep: signs and checks tickets",
          keySpec: KeySpec.HMAC_256,
          keyUsage: KeyUsage.GENERATE_VERIFY_MAC,
        })
      : null;
    this.worker = new KeeperFunction(this, "Worker", {
      base,
      name: "presenter",
      description: "coldkeep: hands out URLs to restore by",
      memory: PRESENTER_SIZE.memory,
      timeout: Duration.seconds(PRESENTER_SIZE.timeout),
      concurrency: AT_ONCE,
      environment: {
        ...(this.ticketKey === null ? {} : { [PRESENTER_ENV.ticketKey]: this.ticketKey.keyArn }),
        ...(bringBack === undefined ? {} : { [PRESENTER_ENV.bringBack]: bringBack }),
      },
    });
    grantFacets(this.worker.role, base.place, JOBS.presenter);
    if (this.ticketKey !== null) {
      this.worker.role.addToPrincipalPolicy(
        new PolicyStatement({ sid: "CheckTickets", actions: ["kms:VerifyMac"], resources: [this.ticketKey.keyArn] }),
      );
    }
    if (bringBack === "bulk" || bringBack === "standard") {
      const resources = objectArns(base.place, ["*/data/*"]);
      this.worker.role.addToPrincipalPolicy(
        new PolicyStatement({ sid: "BringBack", actions: ["s3:RestoreObject"], resources }),
      );
    }
    // The newest code at once, as with the other functions: nothing is shifted over, and no version is left behind by an update.
    const version: IVersion = this.worker.function.latestVersion;
    const urlOf = (aliasName: string, authType: FunctionUrlAuthType) => {
      const alias = new Alias(this, aliasName, { aliasName, version });
      return hasFunctionUrls(this) ? alias.addFunctionUrl({ authType }).url : apiBefore(alias, authType);
    };
    this.iamUrl = urlOf("iam", FunctionUrlAuthType.AWS_IAM);
    this.ticketUrl = tickets ? urlOf("ticket", FunctionUrlAuthType.NONE) : null;
  }
}

/** GovCloud has none; where the region is not known yet it is taken to be another one. */
function hasFunctionUrls(scope: Construct): boolean {
  const { region } = Stack.of(scope);
  return Token.isUnresolved(region) || !region.startsWith("us-gov-");
}

/** An HTTP API hands over the same events, its caller proven in the same way. */
function apiBefore(alias: Alias, authType: FunctionUrlAuthType): string {
  const api = new HttpApi(alias, "Api", {
    description: "coldkeep: hands out URLs to restore by",
    defaultIntegration: new HttpLambdaIntegration("Presenter", alias as IFunction),
    ...(authType === FunctionUrlAuthType.AWS_IAM ? { defaultAuthorizer: new HttpIamAuthorizer() } : {}),
  });
  acknowledge(api, "AwsSolutions-APIG1", "each plan and each refusal is a line of the function's own log");
  if (authType === FunctionUrlAuthType.NONE) {
    acknowledge(api, "AwsSolutions-APIG4", "the function refuses all but a valid ticket before any other work");
  }
  return api.apiEndpoint;
}
