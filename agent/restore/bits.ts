/** A set of whole numbers from 0 on, one bit each: what is known of every piece of a restore, however many there are. */
export class Bits {
  #bytes = new Uint8Array(1024);

  add(n: number): void {
    const at = Math.floor(n / 8);
    if (at >= this.#bytes.length) {
      const more = new Uint8Array(Math.max(at + 1, this.#bytes.length * 2));
      more.set(this.#bytes);
      this.#bytes = more;
    }
    this.#bytes[at] = (this.#bytes[at] ?? 0) | (1 << (n % 8));
  }

  has(n: number): boolean {
    return ((this.#bytes[Math.floor(n / 8)] ?? 0) & (1 << (n % 8))) !== 0;
  }
}
