import type { Quiet } from "../types.ts";

/** ArchiveProcess of the node's protocol (store.proto). */
const PROCESSES = ["Normal", "Archiving", "Restoring"];
/** The most restored ranges that are written on a card one by one. */
const MOST_RANGES = 20;

/**
 * What GetArchiveStatus says, as `cmc archive` prints it or as JSON, of one chain: whether blocks are being moved, how far
 * they are archived, and which were brought back and not merged yet. Block files change while that goes on.
 */
export function judgeArchive(answer: string): Quiet {
  const text = answer.slice(0, 1 << 20);
  const pivot = /"?archive_?pivot"?\s*[:=]\s*"?(\d+)(?![\dx])/i.exec(text)?.[1];
  const written = /"?\bprocess"?\s*[:=]\s*"?(\w+)/i.exec(text)?.[1];
  // JSON of protobuf leaves out what is zero, which is Normal.
  const process = written ?? (pivot !== undefined && isJson(text) ? "0" : undefined);
  if (process === undefined) return { quiet: false, why: "its answer names no Process of archiving", tags: [] };
  const name = PROCESSES[Number(process)] ?? PROCESSES.find((known) => known.toLowerCase() === process.toLowerCase());
  const tags = pivot === undefined || pivot === "0" ? [] : [`archived-to:${pivot}`];
  tags.push(...rangeTags(text));
  if (name === "Normal") return { quiet: true, tags };
  return { quiet: false, why: `archiving says: Process ${name ?? process.slice(0, 40)}`, tags };
}

function rangeTags(text: string): string[] {
  const form =
    /"?file_?name"?\s*[:=]\s*"?[^",\s]+"?\s*,(?:\s*"?start"?\s*[:=]\s*"?(\d+)"?\s*,)?\s*"?end"?\s*[:=]\s*"?(\d+)/gi;
  const ranges = [...text.matchAll(form)].map(([, start = "0", end]) => `unmerged:${start}-${end}`);
  const more = ranges.length - MOST_RANGES;
  return [...ranges.slice(0, MOST_RANGES), ...(more > 0 ? [`unmerged-more:${more}`] : [])];
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}
