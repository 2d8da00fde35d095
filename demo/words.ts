import { styleText } from "node:util";

/** Bytes for people: decimal units, three digits that mean something. */
export function sized(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : Number(value.toPrecision(3))} ${units[unit]}`;
}

/** 81234 → 81,234. */
export function counted(count: number): string {
  return count.toLocaleString("en-US");
}

let steps = 0;

/** Prints the heading of the next step. */
export function step(title: string): void {
  steps += 1;
  console.log(`\n${styleText("bold", `${steps}. ${title}`)}`);
}

/** Prints a line. */
export function say(text: string): void {
  console.log(text.trimEnd());
}
