/** How much is under way at once. */
export interface Within<T> {
  /** Items, at most. */
  readonly width: number;
  /** Their sizes together, at most; one that is larger runs alone. Without it only their number counts. */
  readonly bytes?: { readonly limit: number; readonly of: (item: T) => number };
}

/**
 * Runs `work` on every item, a few at once. `work` answers false to let no more begin. The first error is thrown once all
 * that began have ended.
 */
export async function eachWithin<T>(
  items: Iterable<T>,
  { width, bytes }: Within<T>,
  work: (item: T) => Promise<boolean>,
): Promise<void> {
  const limit = bytes?.limit ?? Number.POSITIVE_INFINITY;
  const running = new Set<Promise<void>>();
  const errors: unknown[] = [];
  let held = 0;
  let open = true;
  for (const item of items) {
    const size = bytes?.of(item) ?? 0;
    while (running.size > 0 && (running.size >= width || held + size > limit)) await Promise.race(running);
    if (!open || errors.length > 0) break;
    held += size;
    const one: Promise<void> = work(item)
      .then(
        (more) => {
          open &&= more;
        },
        (error: unknown) => void errors.push(error),
      )
      .finally(() => {
        held -= size;
        running.delete(one);
      });
    running.add(one);
  }
  await Promise.all(running);
  if (errors.length > 0) throw errors[0];
}
