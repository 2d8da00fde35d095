import type { NodeName } from "../../vault/names/index.ts";
import type { Archive, ArchiveSpeed } from "../../vault/store/archive.ts";
import type { Creator, Reader } from "../../vault/store/facets.ts";
import type { TicketChecker } from "../../vault/ticket/index.ts";
import type { Standards } from "../status-page.ts";

/** A URL by which one object can be read, ranges of it included, by whoever has it. */
export interface SignedUrl {
  readonly url: string;
  /** Until when, milliseconds since the epoch. */
  readonly expires: number;
}

export type SignUrl = (name: string) => SignedUrl | Promise<SignedUrl>;

/** A question as it came over HTTP, nothing of it decoded. */
export interface PresenterRequest {
  readonly method: string;
  /** As it was sent, without the query. */
  readonly path: string;
  /** What follows the `?`; empty where nothing does. */
  readonly query: string;
  readonly authorization?: string;
  /** Who asks, where the platform has proven it already. */
  readonly caller?: string;
}

export interface PresenterAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** One line of the audit log; nothing in it opens anything. */
export interface AuditLine {
  readonly event: "plan" | "brought back" | "refused" | "failed";
  readonly who: string;
  readonly path: string;
  readonly [detail: string]: string | number;
}

/** The world as the presenter sees it. */
export interface PresenterPort {
  readonly store: Reader & Creator;
  /** The nodes there are, for callers who may see all. */
  readonly nodes: () => Promise<readonly NodeName[]>;
  /** Signs for at most so long, and never longer than its own credentials last. */
  readonly sign: (name: string, ms: number) => SignedUrl | Promise<SignedUrl>;
  /** Null where there is no key to check tickets with: all are refused. */
  readonly tickets: TicketChecker | null;
  /** Where objects may lie in archive classes, and how soon they are brought back for who asks; null: never looked for. */
  readonly archive?: { readonly of: Archive; readonly speed: ArchiveSpeed | null };
  /** By what a node is judged in the status page; absent: there is no page for tickets. */
  readonly standards?: (node: NodeName) => Standards | undefined;
  readonly clock: { now(): number };
  readonly audit: (line: AuditLine) => void;
}
