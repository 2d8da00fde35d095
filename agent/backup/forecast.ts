import { join } from "node:path";
import type { SnapshotId } from "../../vault/names/index.ts";
import type { WhatIsKnown } from "../freeze/types.ts";
import type { NodeState } from "../state/index.ts";
import { makeDigestSet } from "./digest-set.ts";
import { fingerprintOfLine, pathOfLine } from "./entry-line.ts";
import { makeWholeness } from "./known-files.ts";
import { type Descent, likelyParent } from "./known-parent.ts";
import { readLines } from "./local-files.ts";
import { GROWING_PRINT } from "./prints.ts";
import { RUN_FILES } from "./run-files.ts";

/** What this host remembers of the snapshot that the next one would build on; null where it would be a full one. */
export function whatParentKnows(
  o: Descent,
  state: NodeState,
): { readonly parent: SnapshotId; readonly known: WhatIsKnown } | null {
  const parent = likelyParent(o, state);
  if (parent === null) return null;
  const { folder, head } = parent.tables.run;
  const files = makeDigestSet();
  // There are few of these: one a channel or a log, not one a block.
  const grown = new Map<string, number>();
  const isWhole = makeWholeness(parent.tables, parent.givenUp);
  for (const line of readLines(join(folder, RUN_FILES.entries))) {
    const fingerprint = fingerprintOfLine(line);
    if (fingerprint === "" || !isWhole(line)) continue;
    const path = pathOfLine(line);
    files.add(path, fingerprint);
    const [, inode, length] = GROWING_PRINT.exec(fingerprint) ?? [];
    if (inode !== undefined) grown.set(`${inode}${path}`, Number(length));
  }
  return {
    parent: head.snapshot,
    known: {
      knownBytes(path, fingerprint, size) {
        if (files.has(path, fingerprint)) return size;
        const inode = GROWING_PRINT.exec(fingerprint)?.[1];
        const before = inode === undefined ? undefined : grown.get(`${inode}${path}`);
        return before === undefined || before > size ? 0 : before;
      },
    },
  };
}
