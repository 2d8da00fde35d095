/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), as BackupEngine's meta files have it. `crc` goes on from an earlier piece. */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  let c = ~crc;
  const end = bytes.length - (bytes.length % 4);
  let at = 0;
  for (; at < end; at += 4) {
    c ^= (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
    c = (T3[c & 0xff] ?? 0) ^ (T2[(c >>> 8) & 0xff] ?? 0) ^ (T1[(c >>> 16) & 0xff] ?? 0) ^ (T0[c >>> 24] ?? 0);
  }
  for (; at < bytes.length; at += 1) c = (T0[(c ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (c >>> 8);
  return ~c >>> 0;
}

/** The polynomial 0x1edc6f41, bits reversed. */
const POLYNOMIAL = 0x82f63b78;

const T0 = new Int32Array(256).map((_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit += 1) c = (c & 1) === 1 ? (c >>> 1) ^ POLYNOMIAL : c >>> 1;
  return c;
});
const T1 = nextTable(T0);
const T2 = nextTable(T1);
const T3 = nextTable(T2);

/** What a byte does to the register one byte later. */
function nextTable(table: Int32Array): Int32Array {
  return table.map((c) => (T0[c & 0xff] ?? 0) ^ (c >>> 8));
}
