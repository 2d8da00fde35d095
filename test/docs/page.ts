import { readFileSync } from "node:fs";

export interface Block {
  readonly kind: "sh" | "text";
  readonly text: string;
}

/** The code blocks of a page that say what they are: commands, and what these print. */
export function blocksOf(page: string): readonly Block[] {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), "utf8");
  return [...text.matchAll(/^```(sh|text)\n([\s\S]*?)^```$/gm)].map(([, kind, block = ""]) => ({
    kind: kind as Block["kind"],
    text: block,
  }));
}

/** Lines that a page promises and that were not printed, each after the one before; `…` stands for anything. */
export function missingLines(promised: string, printed: string): readonly string[] {
  const lines = printed.split("\n");
  return promised
    .trimEnd()
    .split("\n")
    .filter((wanted) => {
      const pattern = wanted
        .split("…")
        .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(/ +/g, " +"))
        .join(".*");
      const at = lines.findIndex((line) => new RegExp(`^${pattern}$`).test(line));
      lines.splice(0, at + 1);
      return at < 0;
    });
}
