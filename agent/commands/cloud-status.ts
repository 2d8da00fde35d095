import { isColdkeepError, type NodeName, VERSION } from "../../vault/names/index.ts";
import { type CloudPlace, readAlarms, readNodes, readQueues, readStack, type Stack } from "../cloud/index.ts";
import type { Answer } from "./answer.ts";
import { type NodeStanding, readStandings } from "./cloud-nodes.ts";
import type { CloudStatus, Seen } from "./cloud-status-text.ts";
import { statusText } from "./cloud-status-text.ts";
import type { Call } from "./define.ts";
import { openPlace } from "./opened.ts";
import { DEFAULT_STACK, type StackFlags } from "./stack-flags.ts";

/** `coldkeep cloud status`. */
export async function run(call: Call<StackFlags>): Promise<Answer> {
  const { flags, io } = call;
  const place = cloudPlaceOf(call);
  call.progress.stage("look at the stack");
  const stack = await readStack(flags.stack ?? DEFAULT_STACK, place);
  const [queues, alarms, nodes] = await Promise.all([
    see(() => readQueues(stack, place)),
    see(() => readAlarms(stack, place)),
    see(() => standings(stack, place, call)),
  ]);
  const { Version: version = null, ...outputs } = stack.outputs;
  const status: CloudStatus = {
    stack: { name: stack.name, region: stack.region, status: stack.status, changed: stack.changed, version },
    ok: isWell(stack, queues, alarms),
    queues,
    alarms,
    nodes,
    outputs,
  };
  return { document: status, text: statusText(status, VERSION, io.clock.now()) };
}

export function cloudPlaceOf({ flags, io }: Call<Pick<StackFlags, "region">>): CloudPlace {
  const { region } = flags;
  return { ...(region === undefined ? {} : { region }), env: io.env, signal: io.signal };
}

async function standings(stack: Stack, place: CloudPlace, call: Call): Promise<readonly NodeStanding[]> {
  const { VaultUrl: url = "" } = stack.outputs;
  const nodes: readonly NodeName[] = await readNodes(stack, place);
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = call.io.env;
  const endpoint = AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL;
  const s3 = { region: stack.region, ...(endpoint === undefined || endpoint === "" ? {} : { endpoint }) };
  const store = await openPlace({ url, s3 }, call, { readonly: true });
  return readStandings(store, nodes);
}

/** One part of the whole; what the caller may not see is told in its place. */
async function see<T>(look: () => Promise<T>): Promise<Seen<T>> {
  try {
    return { found: await look() };
  } catch (error) {
    if (!isColdkeepError(error)) throw error;
    return { unseen: error.message };
  }
}

function isWell(stack: Stack, queues: CloudStatus["queues"], alarms: CloudStatus["alarms"]): boolean {
  return (
    /^(CREATE|UPDATE|IMPORT)_COMPLETE$/.test(stack.status) &&
    "found" in queues &&
    queues.found.every(({ dead }) => dead === 0) &&
    "found" in alarms &&
    alarms.found.every(({ state }) => state !== "ALARM")
  );
}
