import { styleText } from "node:util";

/** Where words go: a terminal, a pipe, or a test's buffer. */
export interface Sink {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Styles {
  good(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
  strong(text: string): string;
  faint(text: string): string;
}

const PLAIN: Styles = {
  good: (text) => text,
  warn: (text) => text,
  bad: (text) => text,
  strong: (text) => text,
  faint: (text) => text,
};

const COLOURED: Styles = {
  good: (text) => styleText("green", text, { validateStream: false }),
  warn: (text) => styleText("yellow", text, { validateStream: false }),
  bad: (text) => styleText("red", text, { validateStream: false }),
  strong: (text) => styleText("bold", text, { validateStream: false }),
  faint: (text) => styleText("dim", text, { validateStream: false }),
};

/** Colours on a terminal only, and never where NO_COLOR is set to anything (no-color.org) or TERM is dumb. */
export function stylesFor(sink: Sink, env: Readonly<Record<string, string | undefined>>): Styles {
  const wanted = sink.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
  return wanted ? COLOURED : PLAIN;
}
