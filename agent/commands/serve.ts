import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Standards } from "../../keeper/index.ts";
import { systemClock } from "../../posix/clock.ts";
import { ColdkeepError, messageOf, type NodeName } from "../../vault/names/index.ts";
import { type Config, tiersFor, watchFor } from "../config/index.ts";
import { logLine } from "../report/index.ts";
import { type ServeOptions, serve } from "../serve/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { BRISK, openVault } from "./opened.ts";
import type { ServeFlags } from "./serve.command.ts";
import { pickVault, readConfig } from "./session.ts";
import { ticketMacOf } from "./ticket-mac.ts";

const HERE = { host: "127.0.0.1", port: 8424 };

/** `coldkeep serve`: until a signal ends it. */
export async function run(call: Call<ServeFlags>): Promise<Answer> {
  const { flags, io } = call;
  if (flags.browse === true) return (await import("./serve-browse.ts")).browse(call, stopped(io.signal));
  if (flags.identity !== undefined) {
    throw new ColdkeepError("usage", {
      what: "--identity is for --browse",
      why: "what answers tickets holds no key that opens a snapshot",
    });
  }
  const config = readConfig(call);
  const tls = tlsOf(flags);
  const place = flags.listen ?? HERE;
  const format = flags.logFormat ?? "text";
  if (tls === undefined && !["127.0.0.1", "::1", "localhost"].includes(place.host)) {
    call.progress.warn(
      "others on the network can read tickets and what is sent: --tls-cert and --tls-key are not given",
    );
  }
  const serving = await serve({
    store: await openVault(config, call, "write", BRISK),
    nodes: config.nodes.map(({ name }) => name),
    standards: (name) => standardsOf(config, name, call),
    tickets: await ticketMacOf(config, call, "serve"),
    ...place,
    ...(tls === undefined ? {} : { tls }),
    clock: systemClock,
    audit: ({ event, ...fields }) => io.stderr.write(logLine(format, systemClock.now(), "info", event, fields)),
  });
  io.stderr.write(logLine(format, systemClock.now(), "info", "listening", { url: serving.url }));
  await stopped(io.signal);
  await serving.close();
  return { document: { url: serving.url, stopped: true }, text: `Stopped answering at ${serving.url}.` };
}

/** As `status` judges. */
function standardsOf(config: Config, name: NodeName, { flags }: Call<ServeFlags>): Standards | undefined {
  const node = config.nodes.find((one) => one.name === name);
  if (node === undefined) return undefined;
  return { tiers: tiersFor(config, pickVault(config, flags.vault), node).tiers, limits: watchFor(config, node) };
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    signal.addEventListener("abort", () => done(), { once: true });
  });
}

function tlsOf({ tlsCert, tlsKey }: ServeFlags): ServeOptions["tls"] {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new ColdkeepError("usage", { what: "--tls-cert and --tls-key belong together" });
  }
  return { cert: readPem(tlsCert), key: readPem(tlsKey) };
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(resolve(path));
  } catch (error) {
    throw new ColdkeepError("config", {
      what: "cannot read the certificate or its key",
      on: path,
      why: messageOf(error),
      cause: error,
    });
  }
}
