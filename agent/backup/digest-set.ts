/** 32-bit words of a digest. */
const WORDS = 2;

/**
 * Pairs of texts by 64 bits of a digest that is another in each run; open addressing, at most half full. Two pairs with
 * one digest make a run fail, where a file is found to be neither copied nor known (`scan`), and nothing else: so it need
 * not withstand whoever could choose names and knew its seed.
 */
export function makeDigestSet() {
  let slots = new Int32Array(1024 * WORDS);
  let count = 0;
  const seed = crypto.getRandomValues(new Int32Array(WORDS));
  const digest = new Int32Array(WORDS);

  /** Where the digest is, or the free slot that it belongs in. */
  function find(a: number, b: number): number {
    const last = slots.length - WORDS;
    for (let slot = (a * WORDS) & last; ; slot = (slot + WORDS) & last) {
      if (slots[slot + 1] === 0 || (slots[slot] === a && slots[slot + 1] === b)) return slot;
    }
  }

  function findDigest(path: string, fingerprint: string): number {
    digest.set(seed);
    stir(digest, path);
    stir(digest, fingerprint);
    // Its last word is never zero, which is what a free slot has there.
    digest[1] = (digest[1] ?? 0) | 1;
    return find(digest[0] ?? 0, digest[1]);
  }

  function grow(): void {
    const old = slots;
    slots = new Int32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS) {
      const [a, b] = [old[at] ?? 0, old[at + 1] ?? 0];
      if (b === 0) continue;
      const slot = find(a, b);
      slots[slot] = a;
      slots[slot + 1] = b;
    }
  }

  return {
    add(path: string, fingerprint: string) {
      const at = findDigest(path, fingerprint);
      if (slots[at + 1] !== 0) return;
      slots.set(digest, at);
      count += 1;
      if (count * 2 * WORDS > slots.length) grow();
    },
    has(path: string, fingerprint: string) {
      return slots[findDigest(path, fingerprint) + 1] !== 0;
    },
  };
}

/** Mixes a text and its length into a digest, in small integers throughout. */
function stir(digest: Int32Array, text: string): void {
  let a = digest[0] ?? 0;
  let b = digest[1] ?? 0;
  for (let i = 0; i < text.length; i += 1) {
    a = Math.imul(a ^ text.charCodeAt(i), 0x9e3779b1 | 0);
    b = Math.imul((b << 13) | (b >>> 19), 0x85ebca77 | 0) ^ a;
    a ^= b >>> 15;
  }
  a = Math.imul(a ^ text.length ^ (a >>> 16), 0x85ebca6b | 0);
  b = Math.imul(b ^ text.length ^ (b >>> 13), 0xc2b2ae35 | 0);
  digest[0] = a ^ (b >>> 16);
  digest[1] = b ^ (a >>> 15);
}
