import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node } from "yaml";

/** A place in the file, from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Located {
  /** Where the value stands; where it is missing, the mapping it should be in. */
  readonly at: Position | null;
  /** False where the path leads to nothing. */
  readonly exists: boolean;
  readonly value: unknown;
}

/** Where the value at `path` stands in the file. With `key`, where its key stands. */
export function locate(document: Document, lines: LineCounter, path: readonly PropertyKey[], key?: string): Located {
  let node: Node | null = resolve(document, document.contents);
  let at = positionOf(node, lines);
  for (const step of path) {
    const next = child(document, node, step);
    if (next === null) return { at, exists: false, value: undefined };
    at = positionOf(next.key ?? next.value, lines) ?? at;
    node = resolve(document, next.value);
  }
  if (key !== undefined) {
    const found = child(document, node, key);
    return { at: positionOf(found?.key ?? null, lines) ?? at, exists: found !== null, value: undefined };
  }
  return { at: positionOf(node, lines) ?? at, exists: true, value: node?.toJS(document) };
}

interface Child {
  readonly key: Node | null;
  readonly value: Node | null;
}

function child(document: Document, node: Node | null, step: PropertyKey): Child | null {
  if (isSeq(node) && typeof step === "number") {
    const item = node.items[step];
    return item === undefined ? null : { key: null, value: item as Node };
  }
  if (!isMap(node)) return null;
  for (const pair of node.items) {
    const key = resolve(document, pair.key as Node | null);
    if (isScalar(key) && String(key.value) === String(step)) {
      return { key: pair.key as Node, value: pair.value as Node | null };
    }
  }
  return null;
}

function resolve(document: Document, node: Node | null): Node | null {
  return isAlias(node) ? (node.resolve(document) ?? null) : node;
}

function positionOf(node: Node | null, lines: LineCounter): Position | null {
  const offset = node?.range?.[0];
  if (offset === undefined) return null;
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}
