import { listSnapshots, type SelectOptions, selectSnapshot } from "../../keeper/index.ts";
import { ColdkeepError, compileGlobs, isColdkeepError, messageOf, type SnapshotId } from "../../vault/names/index.ts";
import { listTree } from "../browse/index.ts";
import { counted } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import { openBrowsing } from "./browsing.ts";
import type { Call } from "./define.ts";
import { entryDocument, entryLine, entryName } from "./entry-words.ts";
import type { FindFlags } from "./find.command.ts";
import { makeListing } from "./listing.ts";
import { selectionOf } from "./selection.ts";

/** `coldkeep find`. */
export async function run(call: Call<FindFlags>, pattern: string): Promise<Answer> {
  const { flags, progress } = call;
  const matches = compileGlobs([pattern], "usage");
  const { node, store, scope, openAs } = await openBrowsing(call);
  const snapshots = await wanted(scope, flags);
  const words = flags.long === true ? entryLine : entryName;
  const listing = makeListing(call, { node, vault: store.url, pattern }, "matches");
  const unopened: SnapshotId[] = [];
  let found = 0;
  progress.close();
  for (const snapshot of snapshots) {
    try {
      const tree = await openAs(snapshot);
      for await (const entries of listTree(tree, { path: null, deep: true })) {
        for (const entry of entries) {
          if (!matches(Buffer.from(entry.path).toString("latin1"))) continue;
          found += 1;
          const row = {
            text: () => `${snapshot}:${words(entry)}`,
            document: () => ({ snapshot, ...entryDocument(entry) }),
          };
          if (!(await listing.add(row))) return { text: "" };
        }
      }
    } catch (error) {
      if (!isColdkeepError(error, "integrity") && !isColdkeepError(error, "key")) throw error;
      unopened.push(snapshot);
      progress.warn(`${snapshot} was not searched to its end: ${messageOf(error)}`);
    }
  }
  const searched = snapshots.length - unopened.length;
  const text = found === 0 ? `Nothing matches in ${counted(searched, "snapshot")}.` : "";
  const answer = await listing.end({ text, document: { searched, unopened } });
  return unopened.length === 0 ? answer : { ...answer, failure: notAll(unopened) };
}

async function wanted(scope: Omit<SelectOptions, "selection">, { snapshot, limit }: FindFlags): Promise<SnapshotId[]> {
  const ids: SnapshotId[] = [];
  if (snapshot !== undefined) {
    for (const id of snapshot) ids.push((await selectSnapshot({ ...scope, selection: selectionOf(id, {}) })).snapshot);
    return [...new Set(ids)];
  }
  for await (const entry of listSnapshots(scope)) {
    if (ids.length >= (limit ?? Number.POSITIVE_INFINITY)) break;
    if (entry.state !== "broken" && entry.state !== "expired") ids.push(entry.snapshot);
  }
  return ids;
}

function notAll(snapshots: readonly SnapshotId[]): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: `${counted(snapshots.length, "snapshot")} could not be searched`,
    on: snapshots.join(", "),
    todo: "`coldkeep verify` tells what is wrong with one",
  });
}
