import { readFileSync } from "node:fs";
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { ColdkeepError, messageOf } from "../../names/index.ts";
import type { S3Limits, S3Settings } from "./settings.ts";
import { makeAgents } from "./sockets.ts";

/**
 * The SDK's client as coldkeep uses it: one attempt a call (vault/store/retrying.ts is the one place that repeats), no
 * redirects to other regions (the configuration is to name the right one), no clock silently mended.
 * Credentials come by the SDK's default chain, when the first call needs them: environment, profile, SSO, web
 * identity, container, instance. HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured.
 * @throws ColdkeepError `config` where the CA bundle cannot be read.
 */
export function makeClient(settings: S3Settings, limits: S3Limits, version: string, env: NodeJS.ProcessEnv): S3Client {
  const { region = defaultRegion(settings, env), endpoint, profile, dualStack, fips } = settings;
  const bundle = settings.caBundle ?? env.AWS_CA_BUNDLE;
  const agent = {
    keepAlive: true,
    // One more than are ever under way, so that waiting is done in one place.
    maxSockets: limits.calls.most + 1,
    proxyEnv: env,
    ...(bundle === undefined || bundle === "" ? {} : { ca: readBundle(bundle) }),
  };
  const handler = {
    connectionTimeout: limits.connectMs,
    socketTimeout: limits.idleMs,
    // A whole call is timed by ours, which allows for its size.
    requestTimeout: 0,
    ...makeAgents(agent),
  };
  const config: S3ClientConfig = {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(profile === undefined ? {} : { profile }),
    ...(dualStack === undefined ? {} : { useDualstackEndpoint: dualStack }),
    ...(fips === undefined ? {} : { useFipsEndpoint: fips }),
    forcePathStyle: settings.pathStyle ?? endpoint !== undefined,
    maxAttempts: 1,
    disableClockSkewCorrection: true,
    expectContinueHeader: false,
    // Puts carry a SHA-256 of ours; other sums, which other servers may not know, are sent nowhere.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_SUPPORTED",
    customUserAgent: [["coldkeep", version]],
    requestHandler: handler,
    logger: SILENT,
    // The SDK hands its client's settings on to the sources of credentials, which would else read AWS's files once a process:
    // `aws sso login`, or whatever else writes new ones, would not be noticed by a backup that lasts longer than the old ones.
    ...{ ignoreCache: true },
  };
  const client = new S3Client(config);
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers } = result.response as { headers?: Readonly<Record<string, string>> };
      if (result.output !== undefined) answered.set(result.output, new Date(headers?.date ?? ""));
      return result;
    },
    { step: "deserialize", name: "answeredAt", priority: "high" },
  );
  return client;
}

/**
 * Asks the source of the credentials once more, as S3 takes the old ones no longer.
 * @returns whether there are others now
 */
export async function renewCredentials({ config }: S3Client): Promise<boolean> {
  try {
    const before = await config.credentials();
    const now = await config.credentials({ forceRefresh: true });
    return now.accessKeyId !== before.accessKeyId || now.sessionToken !== before.sessionToken;
  } catch {
    // The call's own error tells what to do.
    return false;
  }
}

const answered = new WeakMap<object, Date>();

/** When the server said it gave this answer, by its own clock. */
export function answeredAt(output: object): Date | undefined {
  return answered.get(output);
}

/** The SDK's hints are for programmers, and might hold what no log may. */
const SILENT = { trace: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Other servers than AWS's mostly know one region, under AWS's first one's name. */
function defaultRegion({ endpoint, profile }: S3Settings, env: NodeJS.ProcessEnv): string | undefined {
  const elsewhere = endpoint ?? env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL;
  const said = env.AWS_REGION ?? env.AWS_PROFILE ?? profile;
  return elsewhere !== undefined && said === undefined ? "us-east-1" : undefined;
}

function readBundle(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ColdkeepError("config", {
      what: "cannot read the certificate authorities",
      on: path,
      why: messageOf(error),
      todo: "correct ca_bundle or AWS_CA_BUNDLE",
      cause: error,
    });
  }
}
