import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ColdkeepError } from "../../vault/names/index.ts";
import { findEntry, type Listed, readContent, showByteName, type Tree } from "../browse/index.ts";
import { attachmentNamed } from "./attachment.ts";
import { folderTar } from "./folder-tar.ts";
import { askedOf } from "./range.ts";

/** Whatever a file says it is: it is saved, never shown, and could do nothing if it were shown. */
const SAVED = { "content-type": "application/octet-stream", "content-security-policy": "default-src 'none'; sandbox" };

/** A request under way: what it asks for is `path` in an open snapshot. */
export interface Sending {
  readonly tree: Tree;
  readonly path: Uint8Array;
  readonly request: IncomingMessage;
  readonly answer: ServerResponse;
}

/**
 * Sends a file, or the span of it that is asked for, as it comes out of the vault and no faster than it is taken. Damage that is
 * met before the first byte is thrown; later the connection breaks off, so nobody takes a part for the whole.
 * @returns bytes sent
 * @throws ColdkeepError `not-found`, also for what is no file; as `readContent`.
 */
export async function sendFile({ tree, path, request, answer }: Sending): Promise<number> {
  const file = await fileAt(tree, path);
  const etag = `"${tree.opened.manifest.snapshot}"`;
  const asked = askedOf(one(request.headers.range), one(request.headers["if-range"]), etag, file.size);
  const common = {
    ...SAVED,
    "accept-ranges": "bytes",
    etag,
    "content-disposition": attachmentNamed(path.subarray(path.lastIndexOf(0x2f) + 1)),
  };
  if ("beyond" in asked) {
    answer.writeHead(416, { ...common, "content-range": `bytes */${file.size}`, "content-length": 0 }).end();
    return 0;
  }
  if ("all" in asked) {
    return stream(answer, request, 200, { ...common, "content-length": file.size }, readContent(tree, path));
  }
  const { first, length } = asked.span;
  const headers = {
    ...common,
    "content-length": length,
    "content-range": `bytes ${first}-${first + length - 1}/${file.size}`,
  };
  return stream(answer, request, 206, headers, readContent(tree, path, asked.span));
}

/** The same for a folder with all below it, as tar. @throws as `sendFile`. */
export async function sendTar({ tree, path, request, answer }: Sending): Promise<number> {
  const found = path.length === 0 ? null : await findEntry(tree, path);
  if (path.length > 0 && found?.type !== "directory") throw noSuch("folder", path);
  const { node, snapshot } = tree.opened.manifest;
  const name = path.length === 0 ? [] : [Buffer.from("-"), path.subarray(path.lastIndexOf(0x2f) + 1)];
  const saved = Buffer.concat([Buffer.from(`${node}-${snapshot}`), ...name, Buffer.from(".tar")]);
  const headers = { ...SAVED, "content-disposition": attachmentNamed(saved) };
  return stream(answer, request, 200, headers, folderTar(tree, path));
}

/** The file at a path; of a hard link the one whose content it shares. */
async function fileAt(tree: Tree, path: Uint8Array): Promise<Listed> {
  const found = await findEntry(tree, path);
  const file = found?.type === "hardlink" && found.target !== undefined ? await findEntry(tree, found.target) : found;
  if (file?.type !== "file") throw noSuch("file", path);
  return file;
}

export function noSuch(what: string, path: Uint8Array): ColdkeepError {
  return new ColdkeepError("not-found", { what: `there is no such ${what} in the snapshot`, on: showByteName(path) });
}

async function stream(
  answer: ServerResponse,
  request: IncomingMessage,
  status: number,
  headers: Record<string, string | number>,
  content: AsyncGenerator<Uint8Array>,
): Promise<number> {
  if (request.method === "HEAD") {
    answer.writeHead(status, headers).end();
    return 0;
  }
  // What is damaged at its beginning is answered by a page that says so.
  const first = await content.next();
  answer.writeHead(status, headers);
  let sent = 0;
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      if (first.done !== true) {
        sent += first.value.length;
        yield first.value;
      }
      for await (const bytes of content) {
        sent += bytes.length;
        yield bytes;
      }
    } finally {
      await content.return(undefined);
    }
  }
  await pipeline(Readable.from(all(), { objectMode: true, highWaterMark: 1 }), answer);
  return sent;
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
