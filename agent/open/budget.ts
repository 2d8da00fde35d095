/** Bounds how many bytes are under way at once. Whoever asks first is served first. */
export interface Budget {
  /** Waits until `bytes` fit; one request larger than the whole budget goes alone. */
  take(bytes: number): Promise<void>;
  give(bytes: number): void;
}

export function makeBudget(limit: number): Budget {
  let used = 0;
  const queue: { readonly bytes: number; readonly go: () => void }[] = [];
  const fits = (bytes: number) => used === 0 || used + bytes <= limit;
  return {
    take: (bytes) => {
      if (queue.length === 0 && fits(bytes)) {
        used += bytes;
        return Promise.resolve();
      }
      return new Promise((go) => {
        queue.push({ bytes, go });
      });
    },
    give: (bytes) => {
      used -= bytes;
      for (let next = queue[0]; next !== undefined && fits(next.bytes); next = queue[0]) {
        queue.shift();
        used += next.bytes;
        next.go();
      }
    },
  };
}
