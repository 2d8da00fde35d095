import { finished, Readable } from "node:stream";
import { pourFromSocket, releasePiece } from "./sockets.ts";

/** Memory that is there, which a body may be read into. */
interface Given {
  readonly memory: Uint8Array | undefined;
  /** Once it is aborted somebody else may have the memory: nothing is written any more. */
  readonly signal: AbortSignal;
}

/** Reads a body into one buffer of the size it announced; a longer one ends in an error, a shorter one in fewer bytes. */
export async function collect(body: unknown, size: number, given?: Given): Promise<Uint8Array> {
  if (body === undefined) return new Uint8Array(0);
  if (!(body instanceof Readable)) throw new Error("the answer's body is no stream");
  const { memory, signal } = given ?? {};
  const bytes = memory !== undefined && memory.length >= size ? memory.subarray(0, size) : Buffer.allocUnsafe(size);
  const filled = await pour(body, bytes, signal);
  return bytes.subarray(0, filled);
}

/** Takes each piece as the socket brings it: through an iterator they would be joined first, and copied once more. */
function pour(body: Readable, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    let filled = 0;
    pourFromSocket(body);
    body.on("data", (piece: Uint8Array) => {
      if (signal?.aborted === true) body.destroy(signal.reason as Error);
      else if (filled + piece.length > bytes.length) {
        body.destroy(new Error(`more bytes came than the ${bytes.length} announced`));
      } else {
        bytes.set(piece, filled);
        filled += piece.length;
        releasePiece(body, piece);
      }
    });
    finished(body, (error) => {
      if (error) reject(error);
      else resolve(filled);
    });
  });
}
