import { existsSync, readFileSync } from "node:fs";
import { makePresenter } from "../../keeper/index.ts";
import { systemClock } from "../../posix/clock.ts";
import { isNodeName, type NodeName, VERSION } from "../../vault/names/index.ts";
import { retrying } from "../../vault/store/retrying.ts";
import { openS3Archive } from "../../vault/store/s3/archive.ts";
import { openS3Store } from "../../vault/store/s3/index.ts";
import { openS3Signer } from "../../vault/store/s3/presign.ts";
import { PRESENTER_ENV } from "./contract.ts";
import { eventAnswerOf, type FunctionUrlAnswer, type FunctionUrlEvent, requestOf } from "./events.ts";
import { kmsChecker } from "./kms-checker.ts";

const { env } = process;
const url = env[PRESENTER_ENV.vault] ?? "";
const key = env[PRESENTER_ENV.ticketKey] ?? "";
const speed = speedOf(env[PRESENTER_ENV.bringBack]);
const endpoint = env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL ?? "";
const options = {
  version: VERSION,
  now: systemClock.now,
  env,
  s3: {
    ...(endpoint === "" ? {} : { endpoint }),
    ...(env[PRESENTER_ENV.pathStyle] === "true" ? { pathStyle: true } : {}),
  },
};

const present = makePresenter({
  store: retrying(openS3Store(url, options), { clock: systemClock, budget: { totalMs: 10_000 } }),
  sign: openS3Signer(url, options),
  nodes: async () => nodesBeside(new URL("settings.json", import.meta.url)),
  tickets: key === "" ? null : kmsChecker(key, systemClock),
  ...(speed === "" ? {} : { archive: { of: openS3Archive(url, options), speed: speed === "off" ? null : speed } }),
  clock: systemClock,
  audit: (line) => console.log(JSON.stringify(line)),
});

/** One request of either Function URL. */
export async function handler(event: FunctionUrlEvent): Promise<FunctionUrlAnswer> {
  return eventAnswerOf(await present(requestOf(event)), event.headers["accept-encoding"]);
}

function speedOf(text: string | undefined): "" | "off" | "bulk" | "standard" {
  return text === "off" || text === "bulk" || text === "standard" ? text : "";
}

/** The nodes that were deployed beside the code; none where it was deployed without. */
function nodesBeside(file: URL): readonly NodeName[] {
  if (!existsSync(file)) return [];
  const { nodes } = JSON.parse(readFileSync(file, "utf8")) as { nodes?: readonly { readonly name?: unknown }[] };
  return (nodes ?? []).flatMap(({ name }) => (typeof name === "string" && isNodeName(name) ? [name] : []));
}
