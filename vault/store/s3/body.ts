/** Memory that is there, which a body may be read into. */
interface Given {
  readonly memory: Uint8Array | undefined;
  /** Once it is aborted somebody else may have the memory: nothing is written any more. */
  readonly signal: AbortSignal;
}

/** Reads a body into one buffer of the size it announced; a longer one ends in an error, a shorter one in fewer bytes. */
export async function collect(body: unknown, size: number, given?: Given): Promise<Uint8Array> {
  if (body === undefined) return new Uint8Array(0);
  const { memory, signal } = given ?? {};
  const bytes = memory !== undefined && memory.length >= size ? memory.subarray(0, size) : Buffer.allocUnsafe(size);
  let filled = 0;
  for await (const piece of body as AsyncIterable<Uint8Array>) {
    signal?.throwIfAborted();
    if (filled + piece.length > size) throw new Error(`more bytes came than the ${size} announced`);
    bytes.set(piece, filled);
    filled += piece.length;
  }
  return bytes.subarray(0, filled);
}
