import type { Span } from "../browse/index.ts";

/** What of a file is asked for: all of it, a span, or bytes that it does not have. */
export type Asked = { readonly all: true } | { readonly span: Span } | { readonly beyond: true };

/**
 * A Range header for a file of `size` bytes (RFC 9110, 14.2): one span of bytes; several, other units and what is no range are
 * passed over, as that allows. With If-Range it counts only for the very same file.
 */
export function askedOf(range: string | undefined, ifRange: string | undefined, etag: string, size: number): Asked {
  const [, from = "", to = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range ?? "") ?? [];
  if ((from === "" && to === "") || (ifRange !== undefined && ifRange !== etag)) return { all: true };
  if (from === "") {
    const length = Math.min(Number(to), size);
    return length === 0 ? { beyond: true } : { span: { first: size - length, length } };
  }
  const first = Number(from);
  // A last byte before the first is no range.
  if (to !== "" && Number(to) < first) return { all: true };
  if (first >= size) return { beyond: true };
  const last = to === "" ? size - 1 : Math.min(Number(to), size - 1);
  return { span: { first, length: last - first + 1 } };
}
