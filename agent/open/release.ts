/** Smaller ones are left to the garbage collector. */
const WORTH_IT = 64 << 10;

/**
 * Gives the memory behind bytes that nobody will look at again back at once. The garbage collector sees only small
 * objects and lets hundreds of megabytes behind them pile up. Bytes that share their buffer are left alone.
 */
export function release(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < WORTH_IT || buffer.byteLength !== bytes.byteLength)
    return;
  // Detaches, and frees what it held (ECMA-262, ArrayBuffer.prototype.transfer).
  buffer.transfer(0);
}
