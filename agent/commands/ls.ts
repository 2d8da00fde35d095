import { listTree } from "../browse/index.ts";
import type { Answer } from "./answer.ts";
import { openBrowsing } from "./browsing.ts";
import type { Call } from "./define.ts";
import { entryDocument, entryLine, entryName } from "./entry-words.ts";
import { makeListing } from "./listing.ts";
import type { LsFlags } from "./ls.command.ts";
import { readSnapshotPath } from "./snapshot-path.ts";

/** `coldkeep ls`. */
export async function run(call: Call<LsFlags>, target: string | undefined): Promise<Answer> {
  const { id, path } = readSnapshotPath(target);
  const { node, store, open } = await openBrowsing(call);
  const tree = await open(id);
  const { snapshot } = tree.opened.manifest;
  const listing = makeListing(call, { node, vault: store.url, snapshot }, "entries");
  const words = call.flags.long === true ? entryLine : entryName;
  call.progress.close();
  for await (const entries of listTree(tree, { path, deep: call.flags.recursive === true })) {
    for (const entry of entries) {
      if (!(await listing.add({ text: () => words(entry), document: () => entryDocument(entry) }))) return { text: "" };
    }
  }
  return listing.end({});
}
