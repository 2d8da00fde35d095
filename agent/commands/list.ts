import { listSnapshots } from "../../keeper/index.ts";
import type { IndexEntry } from "../../vault/card/index.ts";
import { formatBytes, formatCount, formatHeights, formatTime, table } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import type { ListFlags } from "./list.command.ts";
import { openVault } from "./opened.ts";
import { openSession } from "./session.ts";

/** `coldkeep list`. */
export async function run(call: Call<ListFlags>): Promise<Answer> {
  const { config, node } = openSession(call);
  const store = await openVault(config, call, "read");
  const limit = call.flags.limit ?? Number.POSITIVE_INFINITY;
  const entries: IndexEntry[] = [];
  for await (const entry of listSnapshots({ store, node: node.name, ...vaultOf(config.vaultId) })) {
    if (entries.length >= limit) break;
    entries.push(entry);
  }
  return { document: { node: node.name, vault: store.url, snapshots: entries }, text: textOf(node.name, entries) };
}

function vaultOf<Id>(vault: Id | undefined): { readonly vault?: Id } {
  return vault === undefined ? {} : { vault };
}

function textOf(node: string, entries: readonly IndexEntry[]): string {
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
    entries.map(({ snapshot, received, state, heights, bytes, tags, remarks, proven }) => [
      snapshot,
      formatTime(received),
      remarks.length > 0 ? `${state}, ${remarks.join("; ")}` : proven === undefined ? state : `${state}, proven`,
      formatHeights(heights),
      formatCount(bytes.files),
      formatBytes(bytes.total),
      formatBytes(bytes.stored),
      tags.join(" "),
    ]),
  );
}
