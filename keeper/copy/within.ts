/** Calls in flight at once. */
const WIDTH = 4;

/**
 * Runs `work` on every item, a few at once, as long as their sizes together stay within `bytes`; one that is larger runs
 * alone. `work` answers false to let no more begin. The first error is thrown once all that began have ended.
 */
export async function eachWithin<T>(
  items: Iterable<T>,
  bytes: number,
  sizeOf: (item: T) => number,
  work: (item: T) => Promise<boolean>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  const errors: unknown[] = [];
  let held = 0;
  let open = true;
  for (const item of items) {
    const size = sizeOf(item);
    while (running.size > 0 && (running.size >= WIDTH || held + size > bytes)) await Promise.race(running);
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
