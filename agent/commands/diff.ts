import { canCompareContent, type Difference, type DifferenceKind, diffTrees } from "../browse/index.ts";
import { counted, facts, formatBytes } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import { openBrowsing } from "./browsing.ts";
import type { Call } from "./define.ts";
import { entryDocument, entryName } from "./entry-words.ts";
import type { IdentityFlags } from "./identity-flag.ts";
import { makeListing } from "./listing.ts";

const LETTERS: Readonly<Record<DifferenceKind, string>> = {
  added: "+",
  removed: "-",
  content: "M",
  metadata: "U",
  type: "T",
};

type Totals = Readonly<Record<DifferenceKind, { entries: number; bytes: number }>>;

/** `coldkeep diff`. */
export async function run(call: Call<IdentityFlags>, before: string, after: string): Promise<Answer> {
  const { node, store, open } = await openBrowsing(call);
  const [a, b] = [await open(before), await open(after)];
  const ids = { before: a.opened.manifest.snapshot, after: b.opened.manifest.snapshot };
  if (!canCompareContent(a, b)) {
    call.progress.warn(
      "the two have chunk ids of different keys: content is taken for the same where size and mtime are",
    );
  }
  const listing = makeListing(call, { node, vault: store.url, ...ids }, "differences");
  const none = () => ({ entries: 0, bytes: 0 });
  const totals: Totals = { added: none(), removed: none(), content: none(), metadata: none(), type: none() };
  call.progress.close();
  for await (const found of diffTrees(a, b)) {
    totals[found.kind].entries += 1;
    totals[found.kind].bytes += found.bytes;
    if (!(await listing.add({ text: () => lineOf(found), document: () => documentOf(found) }))) return { text: "" };
  }
  return listing.end({ text: totalsText(totals), document: { totals } });
}

function lineOf(found: Difference): string {
  const { kind, before, after, bytes, fields } = found;
  const entry = after ?? before;
  const name = entry === null ? "" : entryName(entry);
  return `${LETTERS[kind]}  ${name}${remarkOf(kind, bytes, fields, before?.type, after?.type)}`;
}

function remarkOf(kind: DifferenceKind, bytes: number, fields: readonly string[], was?: string, is?: string): string {
  if (kind === "content") return `  (${formatBytes(bytes)} new)`;
  if (kind === "metadata") return `  (${fields.join(", ")})`;
  return kind === "type" ? `  (${was}, now ${is})` : "";
}

function documentOf({ kind, before, after, bytes, fields }: Difference): object {
  return {
    kind,
    bytes,
    ...(fields.length > 0 ? { fields } : {}),
    before: before === null ? null : entryDocument(before),
    after: after === null ? null : entryDocument(after),
  };
}

function totalsText({ added, removed, content, metadata, type }: Totals): string {
  if (added.entries + removed.entries + content.entries + metadata.entries + type.entries === 0)
    return "Nothing differs.";
  const entries = (count: number) => counted(count, "entry", "entries");
  return `\n${facts([
    ["added", `${entries(added.entries)}, ${formatBytes(added.bytes)}`],
    ["removed", `${entries(removed.entries)}, ${formatBytes(removed.bytes)}`],
    ["changed", `${entries(content.entries + type.entries)}, ${formatBytes(content.bytes + type.bytes)} new`],
    ["metadata", `${entries(metadata.entries)} with other metadata alone`],
  ])}`;
}
