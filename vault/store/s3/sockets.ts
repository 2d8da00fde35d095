import { Agent as HttpAgent, IncomingMessage } from "node:http";
import { type AgentOptions, Agent as HttpsAgent } from "node:https";
import type { OnReadOpts, Socket } from "node:net";
import type { Duplex, Readable } from "node:stream";

/** What one read of a socket brings at most. Bytes. */
const READ_BYTES = 128 << 10;

/** Bodies whose bytes are copied away as they come, by the socket they come from. */
const poured = new WeakMap<Socket, IncomingMessage>();

/**
 * What all sockets are read into, one after the other: what was read is gone from it before the next read begins. A little less than its buffer, so
 * that no piece of it is ever taken for one that has memory of its own.
 */
let memory: Uint8Array<ArrayBuffer> | undefined;

/**
 * Agents whose sockets are read into memory that is used again and again. Node makes new memory for each read,
 * for which V8, in a heap that is kept small, collects garbage more often than anything else gives it cause to.
 */
export function makeAgents(options: AgentOptions): { httpAgent: HttpAgent; httpsAgent: HttpsAgent } {
  return { httpAgent: new LeanHttpAgent(options), httpsAgent: new LeanHttpsAgent(options) };
}

/**
 * Says that whoever listens to this body keeps none of the bytes it is given. Everything else, the head of each answer as
 * well, is given copies.
 */
export function pourFromSocket(body: Readable): void {
  if (body instanceof IncomingMessage) poured.set(body.socket, body);
}

/**
 * Gives back what was made for one piece of such a body: the parser of HTTP makes a copy of each, which the garbage
 * collector would otherwise have to find.
 */
export function releasePiece(body: Readable, { buffer, byteLength }: Uint8Array): void {
  if (body instanceof IncomingMessage && buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) {
    buffer.transfer(0);
  }
}

class LeanHttpAgent extends HttpAgent {
  override createConnection(
    ...[options, connected]: Parameters<HttpAgent["createConnection"]>
  ): Duplex | null | undefined {
    return lean((onread) => super.createConnection({ ...options, onread } as typeof options, connected));
  }
}

class LeanHttpsAgent extends HttpsAgent {
  override createConnection(
    ...[options, connected]: Parameters<HttpsAgent["createConnection"]>
  ): Duplex | null | undefined {
    return lean((onread) => super.createConnection({ ...options, onread } as typeof options, connected));
  }
}

function lean(connect: (onread: OnReadOpts) => Duplex | null | undefined): Duplex | null | undefined {
  memory ??= new Uint8Array(new ArrayBuffer(READ_BYTES + 1), 0, READ_BYTES);
  const buffer = memory;
  const made = connect({ buffer, callback: (length) => deliver(made as Socket, buffer.subarray(0, length)) });
  return made;
}

/** Answers false where nothing more is to be read for now, as `onread` wants it. */
function deliver(socket: Socket, bytes: Uint8Array): boolean {
  const body = poured.get(socket);
  const passes = body !== undefined && !body.complete && isEmpty(body) && isEmpty(socket);
  if (!passes) return socket.push(Buffer.from(bytes));
  socket.emit("data", bytes);
  return true;
}

/** What comes is handed on at once. */
function isEmpty({ readableFlowing, readableLength }: Readable): boolean {
  return readableFlowing === true && readableLength === 0;
}
