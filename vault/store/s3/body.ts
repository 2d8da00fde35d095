/** Reads a body into one buffer of the size it announced; a longer one ends in an error, a shorter one in fewer bytes. */
export async function collect(body: unknown, size: number): Promise<Uint8Array> {
  if (body === undefined) return new Uint8Array(0);
  const bytes = Buffer.allocUnsafe(size);
  let filled = 0;
  for await (const piece of body as AsyncIterable<Uint8Array>) {
    if (filled + piece.length > size) throw new Error(`more bytes came than the ${size} announced`);
    bytes.set(piece, filled);
    filled += piece.length;
  }
  return bytes.subarray(0, filled);
}
