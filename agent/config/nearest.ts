/**
 * The one of `known` that `word` was most likely meant to be, or null where none is near: at most a third of the
 * letters differ (Damerau–Levenshtein, neighbours swapped counting one), or one begins with the other.
 */
export function nearest(word: string, known: readonly string[]): string | null {
  const typed = word.toLowerCase();
  const near = known
    .map((name) => ({ name, distance: distance(typed, name.toLowerCase()) }))
    .filter(({ name, distance: d }) => d <= Math.max(1, Math.floor(Math.max(typed.length, name.length) / 3)))
    .sort((a, b) => a.distance - b.distance)[0];
  if (near !== undefined) return near.name;
  if (typed.length < 3) return null;
  return known.find((name) => name.startsWith(typed) || typed.startsWith(name)) ?? null;
}

function distance(from: string, to: string): number {
  // Longer words are never a typo of ours, and the table grows with their product.
  if (from.length > 64 || to.length > 64) return Number.POSITIVE_INFINITY;
  let before: number[] = [];
  let above = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1] ? 0 : 1;
      let least = Math.min(at(line, column - 1) + 1, at(above, column) + 1, at(above, column - 1) + same);
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        least = Math.min(least, at(before, column - 2) + 1);
      }
      line.push(least);
    }
    before = above;
    above = line;
  }
  return at(above, to.length);
}

function at(line: readonly number[], index: number): number {
  return line[index] ?? Number.POSITIVE_INFINITY;
}
