import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { warningsOf } from "./warnings.ts";

/** Text gathered before it is written. */
const AT_ONCE = 32 << 10;

/** A row for people and for programs; only one of the two is asked for. */
export interface Row {
  readonly text: () => string;
  readonly document: () => object;
}

/**
 * A list that may be longer than memory: lines, or the members of one list in the one JSON document of --json. Nothing is
 * written before the first row or the end, so that what fails at once leaves stdout empty.
 */
export interface Listing {
  /** False once nobody reads any more: then the rest need not be found out. */
  add(row: Row): Promise<boolean>;
  /** What stands below the list. */
  end(tail: { readonly text?: string; readonly document?: object }): Promise<Answer>;
}

/** @param head What stands in the JSON document before the list named `list`. */
export function makeListing({ flags, io, progress }: Call, head: object, list: string): Listing {
  const json = flags.json === true;
  let kept = "";
  let rows = 0;
  const flush = () => {
    const text = kept;
    kept = "";
    return text === "" ? Promise.resolve(true) : io.pour(text);
  };
  const begin = () => {
    if (json) kept += `${JSON.stringify(head).slice(0, -1)},${JSON.stringify(list)}:[`;
  };
  return {
    add: async ({ text, document }) => {
      if (rows === 0) begin();
      if (json) kept += `${rows === 0 ? "" : ","}\n${JSON.stringify(document())}`;
      else kept += `${text()}\n`;
      rows += 1;
      return kept.length < AT_ONCE || (await flush());
    },
    end: async ({ text = "", document = {} }) => {
      if (rows === 0) begin();
      if (json) {
        const warnings = warningsOf(progress);
        const tail = JSON.stringify({ ...document, ...(warnings.length > 0 ? { warnings } : {}) });
        kept += tail === "{}" ? "\n]}\n" : `\n],${tail.slice(1)}\n`;
      }
      await flush();
      return { text };
    },
  };
}
