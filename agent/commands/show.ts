import { listSnapshots, readMark, selectSnapshot } from "../../keeper/index.ts";
import { type Card, type IndexEntry, isCommitted, parseCard, writerOf } from "../../vault/card/index.ts";
import { ColdkeepError, names } from "../../vault/names/index.ts";
import { showByteName } from "../browse/index.ts";
import { tiersFor } from "../config/index.ts";
import {
  counted,
  facts,
  formatBytes,
  formatCount,
  formatDuration,
  formatHeights,
  formatTime,
  safe,
  table,
} from "../report/index.ts";
import type { Answer } from "./answer.ts";
import { blockFilesOf } from "./block-files.ts";
import { openBrowsing } from "./browsing.ts";
import type { Call } from "./define.ts";
import { metaOf } from "./meta.ts";
import { openVault } from "./opened.ts";
import { selectionOf } from "./selection.ts";
import { openSession, pickVault, scopeOf } from "./session.ts";
import type { ShowFlags } from "./show.command.ts";
import { standingOf } from "./standing.ts";

const MAX_CARD = 16 << 20;

/** `coldkeep show <id>`. */
export async function run(call: Call<ShowFlags>, id: string): Promise<Answer> {
  if (call.flags.blocks === true) return showBlocks(call, id);
  const { config, node } = openSession(call);
  const store = await openVault(config, call, "read");
  const scope = { store, ...scopeOf(config, node.name) };
  const entry = await selectSnapshot({ ...scope, selection: selectionOf(id, {}) });
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
  const mark = await readMark(store, { vault: card.core.vault, node: node.name }, entry.snapshot);
  const reason = mark !== null && "reason" in mark && mark.pinned ? mark.reason : undefined;
  const { tiers } = tiersFor(config, pickVault(config, call.flags.vault), node);
  const all: IndexEntry[] = [];
  // Only beside the others of its day can be told whether it was the first.
  if (tiers.permanent === undefined) all.push(entry);
  else for await (const other of listSnapshots(scope)) all.push(other);
  const { facts: more, words } = standingOf(all, tiers, call.io.clock.now())(entry);
  const meta = metaOf(entry.tags);
  return {
    document: {
      ...entry,
      ...more,
      ...(meta === null ? {} : { meta }),
      ...(reason === undefined ? {} : { reason }),
      card,
    },
    text: textOf(entry, card, reason === undefined ? words : `${words}; ${reason}`),
  };
}

/** Which file holds which heights. */
async function showBlocks(call: Call<ShowFlags>, id: string): Promise<Answer> {
  const { open } = await openBrowsing(call);
  const tree = await open(id);
  const files = await blockFilesOf(tree);
  const { snapshot } = tree.opened.manifest;
  const rows = files.map(({ chain, first, last, path }) => [
    chain,
    `${formatCount(first)}-${last === null ? "" : formatCount(last)}`,
    showByteName(Buffer.from(path, "latin1")),
  ]);
  const text = table([{ title: "CHAIN" }, { title: "HEIGHTS" }, { title: "FILE" }], rows);
  return { document: { snapshot, blocks: files }, text: rows.length === 0 ? `${snapshot} holds no block files` : text };
}

function wordsOf(all: readonly string[], between = " "): string {
  return all.length === 0 ? "none" : all.join(between);
}

function textOf(entry: IndexEntry, { core, sig }: Card, standing: string): string {
  const { bytes } = entry;
  const origins = core.origins.filter(({ snapshot }) => snapshot !== core.snapshot);
  return facts([
    ["snapshot", entry.snapshot],
    ["state", standing],
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
    ["tags", wordsOf(entry.tags.filter((tag) => !tag.startsWith("meta:")))],
    [
      "meta",
      wordsOf(
        Object.entries(metaOf(entry.tags) ?? {}).map(([key, value]) => `${key}=${safe(value)}`),
        "\n",
      ),
    ],
    ["suite", core.suite],
    ["archive", `${core.vault} (vault_id)`],
    ["signed by", `${sig.key}, fingerprint ${writerOf(sig.key)}`],
    ["proven", entry.proven === undefined ? "not yet by a restore drill" : formatTime(entry.proven)],
  ]);
}
