import { isNodeName, isSnapshotId, type NodeName, type SnapshotId } from "../../vault/names/index.ts";

/** What an address below the place means. */
export type Address =
  | { readonly page: "nodes" }
  | { readonly page: "snapshots"; readonly node: NodeName; readonly skip: number }
  | {
      readonly page: "folder" | "file" | "tar";
      readonly node: NodeName;
      readonly snapshot: SnapshotId;
      /** Empty: all of the snapshot. */
      readonly path: Uint8Array;
      /** Things of a folder that are passed over; 0 elsewhere. */
      readonly skip: number;
    };

const KINDS = { folder: "folder", file: "file", tar: "tar" } as const;

/** What is meant by a request's target, without the place before it; null for what we make no links to. */
export function readAddress(target: string): Address | null {
  const [path = "", query = ""] = split(target, "?");
  const skip = skipIn(query);
  if (skip === null) return null;
  if (path === "") return skip === 0 ? { page: "nodes" } : null;
  const [first = "", rest = ""] = split(path, "/");
  if (!isNodeName(first)) return null;
  if (rest === "") return { page: "snapshots", node: first, skip };
  const [id = "", after = ""] = split(rest, "/");
  const [kind = "", written = ""] = split(after, "/");
  const page = Object.hasOwn(KINDS, kind) ? KINDS[kind as keyof typeof KINDS] : undefined;
  const bytes = decodeBytes(written);
  if (!isSnapshotId(id) || page === undefined || bytes === null) return null;
  if (page !== "folder" && skip > 0) return null;
  return { page, node: first, snapshot: id, path: bytes, skip };
}

/** The address of something, without the place before it. */
export function writeAddress(address: Address): string {
  if (address.page === "nodes") return "";
  const skip = address.skip === 0 ? "" : `?skip=${address.skip}`;
  if (address.page === "snapshots") return `${address.node}/${skip}`;
  return `${address.node}/${address.snapshot}/${address.page}/${encodeBytes(address.path)}${skip}`;
}

function split(text: string, at: string): readonly [string, string] {
  const found = text.indexOf(at);
  return found < 0 ? [text, ""] : [text.slice(0, found), text.slice(found + 1)];
}

function skipIn(query: string): number | null {
  if (query === "") return 0;
  const [, digits] = /^skip=(\d{1,12})$/.exec(query) ?? [];
  return digits === undefined ? null : Number(digits);
}

/** Every byte that is not a letter, digit, `-`, `_`, `.`, `~` or `/` as `%NN` (RFC 3986): a path is bytes, not text. */
function encodeBytes(path: Uint8Array): string {
  let text = "";
  for (const byte of path) {
    const letter = String.fromCharCode(byte);
    text += /[A-Za-z0-9\-_.~/]/.test(letter) ? letter : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return text;
}

function decodeBytes(text: string): Uint8Array | null {
  if (!/^(?:[A-Za-z0-9\-_.~/]|%[0-9A-Fa-f]{2})*$/.test(text)) return null;
  return Uint8Array.from(text.match(/%..|./g) ?? [], (part) =>
    part.length === 3 ? Number.parseInt(part.slice(1), 16) : part.charCodeAt(0),
  );
}
