import { listSnapshots } from "../../keeper/index.ts";
import type { IndexEntry } from "../../vault/card/index.ts";
import { tiersFor } from "../config/index.ts";
import { formatBytes, formatCount, formatHeights, formatTime, table } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import type { ListFlags } from "./list.command.ts";
import { metaOf } from "./meta.ts";
import { openVault } from "./opened.ts";
import { openSession, pickVault, scopeOf } from "./session.ts";
import { standingOf } from "./standing.ts";

/** `coldkeep list`. */
export async function run(call: Call<ListFlags>): Promise<Answer> {
  const { config, node } = openSession(call);
  const store = await openVault(config, call, "read");
  const { tiers } = tiersFor(config, pickVault(config, call.flags.vault), node);
  const limit = call.flags.limit ?? Number.POSITIVE_INFINITY;
  const entries: IndexEntry[] = [];
  // Which one was a day's first is known only once all of that day are.
  const needed = tiers.permanent === undefined ? limit : Number.POSITIVE_INFINITY;
  for await (const entry of listSnapshots({ store, ...scopeOf(config, node.name) })) {
    if (entries.length >= needed) break;
    entries.push(entry);
  }
  const standing = standingOf(entries, tiers, call.io.clock.now());
  const snapshots = entries.slice(0, limit).map((entry) => {
    const meta = metaOf(entry.tags);
    return { ...entry, ...standing(entry).facts, ...(meta === null ? {} : { meta }) };
  });
  const text = textOf(node.name, snapshots, (entry) => standing(entry).words);
  return { document: { node: node.name, vault: store.url, snapshots }, text };
}

function textOf(node: string, entries: readonly IndexEntry[], standing: (entry: IndexEntry) => string): string {
  if (entries.length === 0) return `There are no snapshots of ${node} yet; \`coldkeep backup\` makes one.`;
  return table(
    [
      { title: "SNAPSHOT" },
      { title: "TIME" },
      { title: "STATE" },
      { title: "HEIGHT", align: "right" },
      { title: "FILES", align: "right" },
      { title: "SIZE", align: "right" },
      { title: "STORED", align: "right" },
      { title: "TAGS" },
    ],
    entries.map((entry) => [
      entry.snapshot,
      formatTime(entry.received),
      standing(entry),
      formatHeights(entry.heights),
      formatCount(entry.bytes.files),
      formatBytes(entry.bytes.total),
      formatBytes(entry.bytes.stored),
      entry.tags.join(" "),
    ]),
  );
}
