/** Which lines of this run's list of entries say what lines of the parent's say, in stretches. */
export interface SameLines {
  /** Of ascending lines. */
  add(line: number, parent: number): void;
  /** The parent's line that says the same as `line`, and how many after both go on so, itself included; asked in ascending order. */
  from(line: number): { readonly parent: number; readonly lines: number } | null;
}

export function makeSameLines(): SameLines {
  /** Line, parent's line and length of each stretch. */
  const stretches: number[] = [];
  let at = 0;
  const end = (index: number) => (stretches[index] ?? 0) + (stretches[index + 2] ?? 0);
  return {
    add(line, parent) {
      const last = stretches.length - 3;
      const goesOn =
        last >= 0 && end(last) === line && (stretches[last + 1] ?? 0) + line - (stretches[last] ?? 0) === parent;
      if (goesOn) stretches[last + 2] = (stretches[last + 2] ?? 0) + 1;
      else stretches.push(line, parent, 1);
    },
    from(line) {
      while (at < stretches.length && end(at) <= line) at += 3;
      const first = stretches[at];
      if (first === undefined || first > line) return null;
      return { parent: (stretches[at + 1] ?? 0) + line - first, lines: end(at) - line };
    },
  };
}
