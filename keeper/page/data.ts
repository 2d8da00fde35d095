import { deflateRawSync } from "node:zlib";
import type { PageNode } from "./types.ts";

const OPEN = '<script type="text/plain" id="data">';
const CLOSE = "</script>";

/**
 * What the page's script is given: packed JSON, and the packed history of each node after it, with blanks between. All of it
 * is base64, so whatever a vault says, nothing in it ends an element or begins one.
 * @param words what is the same for all nodes
 */
export function writeData(words: object, nodes: readonly PageNode[]): string {
  const facts = JSON.stringify({ ...words, nodes: nodes.map(({ history: _, ...rest }) => rest) });
  const packed = deflateRawSync(facts, { level: 9 }).toString("base64");
  return `${OPEN}${[packed, ...nodes.map(({ history }) => history)].join(" ")}${CLOSE}`;
}

/** The packed parts of a page, in the order in which they were written; none where it has no such element. */
export function readData(page: string): readonly string[] {
  const from = page.indexOf(OPEN);
  const to = page.indexOf(CLOSE, from);
  return from < 0 || to < 0 ? [] : page.slice(from + OPEN.length, to).split(" ");
}
