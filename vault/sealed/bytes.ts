/**
 * LP(x…) of docs/FORMAT.md: each item as its length (u16, big-endian) and its bytes. Two different lists never give the
 * same bytes, which plain concatenation would allow.
 */
export function lengthPrefixed(...items: readonly (Uint8Array | string)[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const item of items) {
    const bytes = typeof item === "string" ? Buffer.from(item, "utf8") : item;
    if (bytes.length > 0xffff) throw new RangeError("an item of a derivation has at most 65,535 bytes");
    parts.push(Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes);
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** A view for reading big-endian integers. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Gives the memory of a large result back at once. Left to the garbage collector, which sees a handful of small objects
 * and feels no haste, a hundred megabytes of them stand about in each thread. Small results may lie in a pool that
 * others use, and are left alone. Nobody may touch `bytes` afterwards.
 */
export function releaseBytes({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0);
}
