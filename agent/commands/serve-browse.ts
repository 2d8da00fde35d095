import { listSnapshots } from "../../keeper/index.ts";
import { systemClock } from "../../posix/clock.ts";
import { ColdkeepError, type NodeName } from "../../vault/names/index.ts";
import { openTree } from "../browse/index.ts";
import type { Config, NodeSettings } from "../config/index.ts";
import type { OpenOptions } from "../open/index.ts";
import { logLine } from "../report/index.ts";
import { type Library, startViewer } from "../viewer/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { BRISK, loadOpeners, openVault, withoutConsuming } from "./opened.ts";
import { openingWith, originWords } from "./opening.ts";
import type { ServeFlags } from "./serve.command.ts";
import { pickNode, readConfig, scopeOf } from "./session.ts";

const HERE = { host: "127.0.0.1", port: 8425 };
/** Keys and what they opened are forgotten after so long without a look, in milliseconds. */
const IDLE = 10 * 60_000;

/**
 * `coldkeep serve --browse`: until a signal ends it. A process of its own kind: what answers tickets to a network holds no key,
 * and what holds one answers this machine only.
 */
export async function browse(call: Call<ServeFlags>, stopped: Promise<void>): Promise<Answer> {
  const { flags, io } = call;
  assertAlone(flags);
  const config = withoutConsuming(readConfig(call));
  const format = flags.logFormat ?? "text";
  const say = (event: string, fields: Readonly<Record<string, string | number>>) =>
    io.stderr.write(logLine(format, systemClock.now(), "info", event, fields));
  const { host, port } = flags.listen ?? HERE;
  let who = "open this in a browser of this machine";
  const viewer = await startViewer({
    host: host === "localhost" ? HERE.host : host,
    port,
    library: await libraryOf(config, call),
    idle: IDLE,
    audit: say,
    invite: (url) => {
      say(`${who}; it is good once`, { url });
      who = "for one more browser";
    },
  });
  await stopped;
  await viewer.close();
  return { document: { url: viewer.url, stopped: true }, text: `Stopped showing snapshots at ${viewer.url}.` };
}

function assertAlone({ tlsCert, tlsKey, ticketKey }: ServeFlags): void {
  if (tlsCert === undefined && tlsKey === undefined && ticketKey === undefined) return;
  throw new ColdkeepError("usage", {
    what: "--browse shows snapshots on this machine, and answers no tickets",
    why: "--tls-cert, --tls-key and --ticket-key are for those who restore over a network",
    todo: "run a second `coldkeep serve` without --browse for them",
  });
}

async function libraryOf(config: Config, call: Call<ServeFlags>): Promise<Library> {
  const store = await openVault(config, call, "read", BRISK);
  const asked = call.flags.node === undefined ? config.nodes : [pickNode(config, call.flags.node)];
  const nodes = new Map<NodeName, NodeSettings>(asked.map((node) => [node.name, node]));
  // Read once for all that is open, and again after they were forgotten. Without any that opens, nothing is shown at all.
  let keys: Promise<OpenOptions["identities"]> | null = loadOpeners(config, call, call.flags.identity);
  await keys;
  return {
    vault: store.url,
    nodes: [...nodes.keys()],
    snapshots: (name) => listSnapshots({ store, ...scopeOf(config, name) }),
    open: async (name, snapshot) => {
      const node = nodes.get(name);
      if (node === undefined) throw new ColdkeepError("not-found", { what: "there is no such node", on: name });
      keys ??= loadOpeners(config, call, call.flags.identity);
      const mine = keys;
      mine.catch(() => {
        if (keys === mine) keys = null;
      });
      const tree = await openTree(openingWith({ config, node }, store, call, await mine)(snapshot));
      return { tree, origin: originWords(tree.opened.origin, tree.opened.signer) };
    },
    forget: () => {
      keys?.then(
        (identities) => {
          for (const identity of identities) identity.forget?.();
        },
        () => {},
      );
      keys = null;
    },
  };
}
