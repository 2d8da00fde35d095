import type { ServerResponse } from "node:http";
import type { ObjectInfo, Reader } from "../../vault/store/facets.ts";

/** Read and sent at once; bytes. */
const PIECE = 4 << 20;

/** Sends an object or a range of it, piece by piece, no faster than it is taken. */
export async function sendObject(
  store: Reader,
  name: string,
  range: string | undefined,
  answer: ServerResponse,
): Promise<void> {
  const info = await store.head(name);
  if (info === null) {
    answer.writeHead(404, { "content-length": 0 }).end();
    return;
  }
  const part = rangeOf(range, info.size);
  if (part === null) {
    answer.writeHead(416, { "content-range": `bytes */${info.size}`, "content-length": 0 }).end();
    return;
  }
  const { first, length } = part;
  answer.writeHead(range === undefined ? 200 : 206, {
    ...headersOf(info),
    "content-length": length,
    ...(range === undefined ? {} : { "content-range": `bytes ${first}-${first + length - 1}/${info.size}` }),
  });
  for (let at = first; at < first + length; at += PIECE) {
    const bytes = await store.getRange(name, at, Math.min(PIECE, first + length - at));
    // Gone or cut meanwhile: an answer that ends early is seen by whoever reads it.
    if (bytes === null || answer.destroyed) break;
    if (!answer.write(bytes)) await drained(answer);
  }
  if (answer.errored === null) answer.end();
}

function headersOf(info: ObjectInfo): Record<string, string> {
  return {
    "accept-ranges": "bytes",
    "cache-control": "no-store",
    "content-type": "application/octet-stream",
    etag: `"${info.etag.replaceAll('"', "")}"`,
    "last-modified": new Date(info.receivedAt).toUTCString(),
    "x-content-type-options": "nosniff",
  };
}

/** What a Range header asks for; null where the object has no such bytes. What is no single range means all of it. */
function rangeOf(range: string | undefined, size: number): { readonly first: number; readonly length: number } | null {
  if (range === undefined) return { first: 0, length: size };
  const [, from, to] = /^bytes=(\d{1,15})-(\d{1,15})?$/.exec(range) ?? [];
  if (from === undefined) return null;
  const first = Number(from);
  const last = Math.min(to === undefined ? size - 1 : Number(to), size - 1);
  return first > last ? null : { first, length: last - first + 1 };
}

function drained(answer: ServerResponse): Promise<void> {
  return new Promise((done) => {
    const finish = () => {
      answer.off("drain", finish);
      answer.off("close", finish);
      done();
    };
    answer.once("drain", finish);
    answer.once("close", finish);
  });
}
