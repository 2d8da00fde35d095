import { selectSnapshot } from "../../keeper/index.ts";
import { type Card, type IndexEntry, isCommitted, parseCard, writerOf } from "../../vault/card/index.ts";
import { ColdkeepError, names } from "../../vault/names/index.ts";
import { counted, facts, formatBytes, formatDuration, formatHeights, formatTime } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { openVault } from "./opened.ts";
import { selectionOf } from "./selection.ts";
import { openSession } from "./session.ts";

const MAX_CARD = 16 << 20;

/** `coldkeep show <id>`. */
export async function run(call: Call, id: string): Promise<Answer> {
  const { config, node } = openSession(call);
  const store = await openVault(config, call, "read");
  const vault = config.vaultId === undefined ? {} : { vault: config.vaultId };
  const entry = await selectSnapshot({ store, node: node.name, ...vault, selection: selectionOf(id, {}) });
  const name = names.card(node.name, entry.snapshot);
  const object = await store.get(name, { maxBytes: MAX_CARD });
  const card = object === null ? null : parseCard(object.bytes, { node: node.name, snapshot: entry.snapshot });
  if (card === null || !isCommitted(card)) {
    throw new ColdkeepError("integrity", {
      what: "the snapshot has no card",
      on: `${store.url}/${name}`,
      why: "the index names it",
      todo: "`coldkeep rebuild` makes the index anew",
    });
  }
  return { document: { ...entry, card }, text: textOf(entry, card) };
}

function textOf(entry: IndexEntry, { core, sig }: Card): string {
  const { bytes } = entry;
  const origins = core.origins.filter(({ snapshot }) => snapshot !== core.snapshot);
  return facts([
    ["snapshot", entry.snapshot],
    ["state", [entry.state, ...entry.remarks].join("; ")],
    ["node", `${core.node}, profile ${core.profile}`],
    ["height", formatHeights(entry.heights)],
    ["received", `${formatTime(entry.received)} by the vault's clock`],
    ["captured", `${formatTime(core.captured)} by the host's clock`],
    [
      "downtime",
      core.downtime_ms === undefined ? "the node was not stopped by coldkeep" : formatDuration(core.downtime_ms),
    ],
    ["content", `${formatBytes(bytes.total)} in ${counted(bytes.files, "file")}`],
    ["stored", `${formatBytes(bytes.stored)} for ${formatBytes(bytes.added)} that were new`],
    ["parent", core.parent ?? "none: shares nothing with earlier snapshots"],
    ["shares with", origins.length === 0 ? "no other snapshot" : counted(origins.length, "other snapshot")],
    ["number", String(core.seq)],
    ["tags", core.tags.length === 0 ? "none" : core.tags.join(" ")],
    ["suite", core.suite],
    ["archive", `${core.vault} (vault_id)`],
    ["signed by", `${sig.key}, fingerprint ${writerOf(sig.key)}`],
    ["proven", entry.proven === undefined ? "not yet by a restore drill" : formatTime(entry.proven)],
  ]);
}
