import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";

/** Where a stack is asked about. */
export interface CloudPlace {
  /** Default: AWS_REGION, or the profile's. */
  readonly region?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** One call and its retries may take this long. Milliseconds. */
const LIMIT_MS = 30_000;

/**
 * What all clients have in common. Credentials and another server than AWS's (AWS_ENDPOINT_URL) come as the SDK finds
 * them; HTTPS_PROXY and NO_PROXY it leaves to its callers.
 */
export function clientConfig({ region, env }: CloudPlace) {
  const { AWS_ENDPOINT_URL: endpoint } = env;
  const agent = { keepAlive: true, proxyEnv: env };
  return {
    maxAttempts: 4,
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined || endpoint === "" ? {} : { endpoint }),
    requestHandler: { httpAgent: new HttpAgent(agent), httpsAgent: new HttpsAgent(agent) },
  };
}

export function limited({ signal }: CloudPlace): { readonly abortSignal: AbortSignal } {
  return { abortSignal: AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]) };
}
