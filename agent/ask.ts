import { openSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { WriteStream } from "node:tty";
import type { Io } from "./commands/io.ts";

/**
 * Questions to whoever sits at the terminal that standard input is; null where it is none. They are shown there also where
 * stderr goes into a file or a pipe: `restore 2>&1 | tee log` asks as `restore` does.
 * @param abort ends the run; Ctrl-C while a question is open does it.
 */
export function terminalAsk(abort: AbortController): Io["ask"] {
  if (!process.stdin.isTTY) return null;
  return async (question, { hidden = false } = {}) => {
    const { shown, close } = terminal();
    // What is typed is echoed by the line editor; into nothing, where it is a secret.
    const output = hidden ? new Writable({ write: (_chunk, _encoding, done) => done() }) : shown;
    if (hidden) shown.write(question);
    const lines = createInterface({ input: process.stdin, output, terminal: true });
    // While a question is open, Ctrl-C is a key that the line editor reads and no signal.
    lines.once("SIGINT", () => abort.abort(new DOMException("SIGINT", "AbortError")));
    try {
      return await lines.question(question, { signal: abort.signal });
    } finally {
      lines.close();
      if (hidden) shown.write("\n");
      close();
    }
  };
}

function terminal(): { readonly shown: NodeJS.WritableStream; readonly close: () => void } {
  if (process.stderr.isTTY) return { shown: process.stderr, close: () => {} };
  try {
    const own = new WriteStream(openSync("/dev/tty", "w"));
    return { shown: own, close: () => own.destroy() };
  } catch {
    // A terminal that is not the session's own has no such name: the question is where all else is written.
    return { shown: process.stderr, close: () => {} };
  }
}
