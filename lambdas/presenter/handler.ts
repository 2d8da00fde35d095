import { type AuditLine, makePresenter } from "../../keeper/index.ts";
import { systemClock } from "../../posix/clock.ts";
import { openS3Archive } from "../../vault/store/s3/archive.ts";
import { openS3Signer } from "../../vault/store/s3/presign.ts";
import { makeTeller } from "../common/report.ts";
import { readSettings, type Settings, standardsOf } from "../common/settings.ts";
import { openVault, vaultPlace } from "../common/vault.ts";
import { PRESENTER_ENV, PRESENTER_METRICS } from "./contract.ts";
import { eventAnswerOf, type FunctionUrlAnswer, type FunctionUrlEvent, requestOf } from "./events.ts";
import { kmsChecker } from "./kms-checker.ts";

const { env } = process;
const { url, options } = vaultPlace(env);
const key = env[PRESENTER_ENV.ticketKey] ?? "";
const speed = speedOf(env[PRESENTER_ENV.bringBack]);
const tell = makeTeller("presenter");
let settings: Settings | null = null;

const present = makePresenter({
  // Whoever asks waits for the answer: Lambda lets it take half a minute.
  store: openVault(env, 10_000),
  sign: openS3Signer(url, options),
  nodes: async () => [...known().values()].map(({ name }) => name),
  tickets: key === "" ? null : kmsChecker(key, systemClock),
  ...(speed === "" ? {} : { archive: { of: openS3Archive(url, options), speed: speed === "off" ? null : speed } }),
  standards: (node) => standardsOf(known().get(node)),
  clock: systemClock,
  audit,
});

/** One request of either Function URL. */
export async function handler(event: FunctionUrlEvent): Promise<FunctionUrlAnswer> {
  try {
    return eventAnswerOf(await present(requestOf(event)), event.headers["accept-encoding"]);
  } finally {
    tell.flush();
  }
}

function known(): Settings {
  settings ??= readSettings(new URL(".", import.meta.url));
  return settings;
}

function speedOf(text: string | undefined): "" | "off" | "bulk" | "standard" {
  return text === "off" || text === "bulk" || text === "standard" ? text : "";
}

function audit(line: AuditLine): void {
  tell.count(PRESENTER_METRICS[line.event], 1);
  if (line.event === "failed") tell.warn("audit", line);
  else tell.info("audit", line);
}
