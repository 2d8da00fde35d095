import type { MemoryStore } from "../../support/memory-store.ts";
import type { Chance } from "../chance.ts";

/** One thing that is done to one object, and is undone again. */
export interface Harm {
  /** As in the report: what was done to what kind of object. */
  readonly what: string;
  readonly name: string;
  apply(store: MemoryStore): void;
}

/** What kind of object a name is of; null for what no snapshot needs and no reader believes. */
export function kindOf(name: string): string | null {
  const short = name.slice(name.lastIndexOf("/") + 1);
  if (short.endsWith(".pack")) return "pack";
  if (/^packs-\d{4}\.json$/.test(short)) return "pack list";
  if (short === "manifest" || short === "key.json" || short === "node.json") return short;
  if (name.includes("/begins/")) return "begin";
  if (short.endsWith(".card.json")) return "card";
  if (name.includes("/index/")) return "index of a month";
  if (["index.json", "head.json", "backup_list"].includes(short)) return short;
  return null;
}

const SEALED = ["pack", "manifest", "share"];

/**
 * One harm of each class to an object, at places that chance picks.
 * @param of tells what kind of object a name is of
 */
export function harmsTo(
  name: string,
  store: MemoryStore,
  chance: Chance,
  of: (name: string) => string | null = kindOf,
): Harm[] {
  const kind = of(name);
  const bytes = store.objects.get(name)?.bytes;
  if (kind === null || bytes === undefined) return [];
  const change = (what: string, how: (bytes: Uint8Array) => Uint8Array): Harm => ({
    what: `${kind}: ${what}`,
    name,
    apply: (into) => into.plant(name, how(bytes)),
  });
  const flips = (SEALED.includes(kind) ? sealedClasses(bytes) : jsonClasses(bytes)).map(([what, from, to]) =>
    change(`a bit flipped in ${what}`, (old) => {
      const copy = Uint8Array.from(old);
      const at = chance.whole(from, to - 1);
      copy[at] = (copy[at] ?? 0) ^ (1 << chance.whole(0, 7));
      return copy;
    }),
  );
  const others = [...store.objects.keys()].filter((other) => of(other) === kind && other !== name);
  const swap: Harm[] = [];
  if (others.length > 0) {
    const other = chance.pick(others);
    swap.push(change("another one in its place", () => store.objects.get(other)?.bytes ?? new Uint8Array(0)));
  }
  return [
    ...flips,
    ...swap,
    { what: `${kind}: deleted`, name, apply: (into) => void into.objects.delete(name) },
    change("cut off", (old) => old.subarray(0, chance.whole(1, Math.max(1, old.length - 1)))),
    change("emptied", () => new Uint8Array(0)),
    change("lengthened", (old) => Buffer.concat([old, chance.bytes(chance.pick([1, 100, 65_536]))])),
    change("filled with zeros", (old) => new Uint8Array(old.length)),
  ];
}

type Class = readonly [what: string, from: number, to: number];

/** The parts of docs/FORMAT.md section 5, as far as they can be told from outside. */
function sealedClasses(bytes: Uint8Array): Class[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const footer = view.getUint32(bytes.length - 16);
  const end = bytes.length - 16 - footer;
  return [
    ["the magic", 0, 8],
    ["the version", 8, 9],
    ["the suite", 9, 10],
    ["the kind", 10, 11],
    ["the zero", 11, 12],
    ["the number", 12, 16],
    ["the context tag", 16, 32],
    ["the salt", 32, 64],
    ["the commitment", 64, 96],
    ["the first frame", 96, 96 + 16],
    ["frames and padding", 96, end],
    ["the last tag before the footer", end - 16, end],
    ["the footer", end, end + footer - 16],
    ["the footer's tag", end + footer - 16, end + footer],
    ["the trailer's lengths", bytes.length - 16, bytes.length - 8],
    ["the trailer's magic", bytes.length - 8, bytes.length],
  ];
}

/** A name, a value, or a sign between them: any byte of a text that is canonical. */
function jsonClasses(bytes: Uint8Array): Class[] {
  const third = Math.max(1, Math.floor(bytes.length / 3));
  return [
    ["its text", 0, third],
    ["its text", third, 2 * third],
    ["its text", Math.min(2 * third, bytes.length - 1), bytes.length],
  ];
}
