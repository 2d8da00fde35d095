import { existsSync } from "node:fs";
import type { Selection } from "../../keeper/index.ts";
import { ColdkeepError, toNodeName } from "../../vault/names/index.ts";
import { type HttpStore, openHttpStore, retrying, type Store } from "../../vault/store/index.ts";
import { lookIntoTicket, type Ticket } from "../../vault/ticket/index.ts";
import { type Config, DEFAULT_CONFIG, type NodeSettings } from "../config/index.ts";
import type { ShareKey } from "../open/index.ts";
import { readShareToken } from "../share/index.ts";
import type { Call } from "./define.ts";
import { readToken } from "./read-token.ts";
import type { RemoteFlags } from "./remote-flags.ts";
import type { RestoreFlags } from "./restore.command.ts";
import { selectionOf } from "./selection.ts";
import { pickNode, readConfig, type Session } from "./session.ts";
import { stateFolderOf } from "./state-folder.ts";
import { makeWaitingNote } from "./waiting.ts";

/** A vault as a presenter shows it, and what is known of node and snapshot by the ticket. */
export interface Remote {
  readonly store: Store;
  readonly archived: HttpStore["archived"];
  readonly session: Session;
  /** What opens the snapshot in place of a key. */
  readonly share: ShareKey | null;
  /** Which snapshot is meant; a ticket for one of them means that one where nothing is said. */
  narrow(id: string | undefined, flags: Pick<RestoreFlags, "at" | "height">): Selection;
}

/**
 * What --from means; null where it is not given.
 * @throws ColdkeepError `usage`, `config`, `permission`.
 */
export async function openRemote(call: Call<RemoteFlags & Pick<RestoreFlags, "to">>): Promise<Remote | null> {
  const { flags, io } = call;
  if (flags.from === undefined) {
    if (flags.ticketFile === undefined && flags.shareFile === undefined) return null;
    throw new ColdkeepError("usage", {
      what: "--ticket-file and --share-file go with --from",
      todo: "say where the presenter is: --from https://…",
    });
  }
  if (flags.ticketFile !== undefined && flags.shareFile !== undefined) {
    throw new ColdkeepError("usage", {
      what: "of --ticket-file and --share-file one is enough",
      todo: "a share has its own ticket",
    });
  }
  const share = flags.shareFile === undefined ? null : readShareToken(readToken(flags.shareFile));
  // Of a share only the ticket is ever sent.
  const text = flags.ticketFile === undefined ? (share?.ticket ?? null) : readToken(flags.ticketFile);
  const ticket = text === null ? null : lookIntoTicket(text);
  const session = withTicket(sessionOf(call, ticket), ticket);
  const presented = await openHttpStore(flags.from, {
    node: session.node.name,
    ticket: text,
    clock: io.clock,
    env: { ...io.env },
  });
  return {
    store: retrying(presented, { clock: io.clock, signal: io.signal, onWait: makeWaitingNote(call) }),
    archived: presented.archived,
    session,
    share: share === null || ticket === null ? null : { tid: ticket.tid, key: share.key },
    narrow: (id, { at, height }) => {
      const wanted = ticket?.snapshot;
      const said = id !== undefined || at !== undefined || height !== undefined;
      if (wanted !== undefined && (!said || id === "latest")) return { by: "id", id: wanted };
      return selectionOf(id, { ...(at === undefined ? {} : { at }), ...(height === undefined ? {} : { height }) });
    },
  };
}

/** A ticket pins what its maker knows: the archive, and the key that signs the node's cards. */
function withTicket({ config, node }: Session, ticket: Ticket | null): Session {
  if (ticket === null) return { config, node };
  if (ticket.node !== node.name) {
    throw new ColdkeepError("usage", {
      what: "the ticket is for another node",
      on: node.name,
      why: `it is for ${ticket.node}`,
      todo: `give --node ${ticket.node}, or another ticket`,
    });
  }
  return {
    config: config.vaultId === undefined ? { ...config, vaultId: ticket.vault } : config,
    node: node.cardKey === undefined ? { ...node, cardKey: ticket.card_key } : node,
  };
}

function sessionOf(call: Call<RemoteFlags & Pick<RestoreFlags, "to">>, ticket: Ticket | null): Session {
  const { flags } = call;
  if (flags.config !== undefined || existsSync(DEFAULT_CONFIG)) {
    const config = readConfig(call);
    return { config, node: pickNode(config, flags.node) };
  }
  const name = flags.node ?? ticket?.node;
  if (name === undefined || flags.to === undefined) {
    throw new ColdkeepError("usage", {
      what: "without a configuration it is not known what goes where",
      why: `there is no ${DEFAULT_CONFIG}`,
      todo: "give --node <name> and --to <folder>; or --config, and the node is restored in place and started",
    });
  }
  const config = bareConfig(bareNode(name), stateFolderOf(call.io.env));
  return { config, node: config.nodes[0] ?? bareNode(name) };
}

/** As much of a configuration as a restore into a fresh folder needs: keys come by --identity. */
function bareConfig(node: NodeSettings, stateDir: string): Config {
  return {
    path: "the command line",
    vaults: [],
    stateDir,
    encryptor: "aes",
    keys: [],
    identities: [],
    consumeKeyFile: false,
    strictSm: false,
    nodes: [node],
    groups: [],
    warnings: [],
  };
}

function bareNode(name: string): NodeSettings {
  return {
    name: toNodeName(name),
    profile: "files",
    roots: [],
    globs: { immutable: [], append_only: [], exclude: [], secret: [] },
    service: { manager: "none" },
    limits: { stopMs: 0, startMs: 0, onStopTimeout: "fail" },
    whenDown: "backup",
    chains: [],
    validator: true,
    tags: [],
    formerly: [],
    system: {},
    stop: { windows: [], timezone: "UTC" },
  };
}
