import { ColdkeepError } from "../../vault/names/index.ts";
import { readByteName } from "../browse/index.ts";

export interface SnapshotPath {
  readonly id: string | undefined;
  /** Null: all of the snapshot. */
  readonly path: Uint8Array | null;
}

/** `<id>`, `<id>:<path>`, or `:<path>` in the latest. @throws ColdkeepError `usage` for an escape that is none. */
export function readSnapshotPath(text: string | undefined): SnapshotPath {
  if (text === undefined) return { id: undefined, path: null };
  const colon = text.indexOf(":");
  if (colon < 0) return { id: text, path: null };
  const written = text.slice(colon + 1).replace(/^\/+|\/+$/g, "");
  return { id: colon === 0 ? undefined : text.slice(0, colon), path: written === "" ? null : readByteName(written) };
}

/** The same where a path must be named. @throws ColdkeepError `usage`. */
export function readFilePath(text: string): { readonly id: string | undefined; readonly path: Uint8Array } {
  const { id, path } = readSnapshotPath(text);
  if (path !== null) return { id, path };
  throw new ColdkeepError("usage", {
    what: "which file is meant?",
    on: JSON.stringify(text),
    why: "a snapshot, a colon and a path are expected, such as latest:data/CURRENT",
    todo: "`coldkeep ls -R latest` shows what there is",
  });
}
