import type { IndexEntry } from "../../vault/card/index.ts";
import type { NodeName, SnapshotId } from "../../vault/names/index.ts";
import type { Tree } from "../browse/index.ts";

/** Where people look into snapshots. All it shows is handed in; it finds no keys and reads no configuration. */
export interface ViewerOptions {
  /** An address of this machine's own: 127.… or ::1. */
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
  readonly library: Library;
  /** Milliseconds after which, unused, what opens snapshots is forgotten. */
  readonly idle: number;
  readonly audit: (event: string, fields: Readonly<Record<string, string | number>>) => void;
  /** Called with the one link that lets a browser in; again with another once it was used. */
  readonly invite: (url: string) => void;
}

/** What there is to look into. */
export interface Library {
  readonly vault: string;
  readonly nodes: readonly NodeName[];
  /** Newest first. @throws ColdkeepError `not-found` where there are none yet. */
  snapshots(node: NodeName): AsyncIterable<IndexEntry>;
  /** @throws as `openTree`. */
  open(node: NodeName, snapshot: SnapshotId): Promise<Opened>;
  /** Overwrites the keys that `open` reads; the next `open` reads them again. */
  forget(): void;
}

export interface Opened {
  readonly tree: Tree;
  /** How far the writer of the snapshot is known, in words. */
  readonly origin: string;
}

export interface Viewer {
  /** `http://127.0.0.1:8425`. */
  readonly url: string;
  /** Takes no more requests, ends those under way, and forgets. */
  close(): Promise<void>;
}
