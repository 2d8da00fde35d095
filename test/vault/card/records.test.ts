import { describe, expect, it } from "vitest";
import {
  canonicalBytes,
  encodeBackupList,
  encodeBegin,
  encodeCard,
  encodeHead,
  encodeIndex,
  encodeNodeJson,
  encodePackList,
  encodeVaultJson,
  isCommitted,
  parseBackupList,
  parseBegin,
  parseCard,
  parseHead,
  parseIndex,
  parseNodeJson,
  parsePackList,
  parseVaultJson,
  salvageIndex,
  signCard,
  signClosingCard,
  sumOf,
} from "../../../vault/card/index.ts";
import { makeSnapshotId, makeVaultId, toNodeName } from "../../../vault/names/index.ts";
import { refusal } from "../sealed/fixtures.ts";
import { b32, core, entry, head, index, node, older, signingKey, snapshot, sum, vault } from "./fixtures.ts";

const card = signCard(core, new Uint8Array(32), signingKey(1));
const adopted = signClosingCard({ vault, node, snapshot: older, by: snapshot }, signingKey(1));
const abandoned = { format: 1, vault, node, snapshot: older, state: "abandoned" } as const;
const packList = { format: 1, vault, node, snapshot, rows: [{ origin: snapshot, index: 0, ...sum }] } as const;
const begin = { format: 1, vault, node, snapshot, writer: b32, parent: older, adopts: [] } as const;
const nodeJson = { format: 1, vault, node, profile: "leveldb", key: b32, created: 1 } as const;
const vaultJson = { format: 1, created: 1, min_agent: "0.1.0", min_keeper: "0.1.0" } as const;

/** Each kind of object: a sound value, its writer, its reader. */
const kinds: readonly [string, object, (value: never) => Uint8Array, (bytes: Uint8Array) => unknown][] = [
  ["card", card, encodeCard, (bytes) => parseCard(bytes)],
  ["closing card, adopted", adopted, encodeCard, (bytes) => parseCard(bytes)],
  ["closing card, abandoned", abandoned, encodeCard, (bytes) => parseCard(bytes)],
  ["pack list", packList, encodePackList, (bytes) => parsePackList(bytes)],
  ["begin", begin, encodeBegin, (bytes) => parseBegin(bytes)],
  ["node.json", nodeJson, encodeNodeJson, (bytes) => parseNodeJson(bytes)],
  ["vault.json", vaultJson, encodeVaultJson, parseVaultJson],
  ["index", index, encodeIndex, (bytes) => parseIndex(bytes)],
  ["head", head, encodeHead, (bytes) => parseHead(bytes)],
];

describe.each(kinds)("%s", (name, value, encode, parse) => {
  const bytes = encode(value as never);

  it("comes back as it was written", () => {
    expect(parse(bytes)).toEqual(value);
  });

  it("is refused truncated, at every length", () => {
    for (let length = 0; length < bytes.length; length++) refusal(() => parse(bytes.subarray(0, length)));
  });

  it("is refused with a field more, a field less, or a field of another type", () => {
    const fields = Object.keys(value);
    refusal(() => parse(canonicalBytes({ ...value, extra: 1 })));
    for (const field of fields) {
      const { [field as keyof typeof value]: _, ...less } = value;
      const optional = (name === "begin" && field === "parent") || (name === "head" && field === "newest");
      if (!optional) refusal(() => parse(canonicalBytes(less)));
      const { message } = refusal(() => parse(canonicalBytes({ ...value, [field]: [[true]] })), "integrity");
      expect(message.length).toBeLessThan(500);
    }
  });

  it("is not written where a reader would refuse it", () => {
    refusal(() => encode({ ...value, extra: 1 } as never));
  });

  it("of a newer format is not called broken", () => {
    expect(refusal(() => parse(canonicalBytes({ format: 2, anything: "else" })), "refused").todo).toBe(
      "Update coldkeep",
    );
  });
});

describe("an index's sum", () => {
  const bytes = encodeIndex(index);

  it("shows each single bit that is flipped in the text, but where it makes the format a newer one", () => {
    const format = Buffer.from(bytes).indexOf('"format":1') + 9;
    const isNewer = (text: Uint8Array) => /[2-9]/.test(String.fromCharCode(text[format] ?? 0));
    for (let at = 0; at < bytes.length * 8; at += 1) {
      const flipped = Uint8Array.from(bytes);
      flipped[at >> 3] = (flipped[at >> 3] ?? 0) ^ (1 << (at & 7));
      refusal(() => parseIndex(flipped), at >> 3 === format && isNewer(flipped) ? "refused" : "integrity");
    }
  });

  it("is the SHA-256 of the canonical text without it", () => {
    const { sha256, ...rest } = JSON.parse(Buffer.from(bytes).toString()) as { sha256: string };
    expect(sha256).toBe(sumOf(canonicalBytes(rest)).sha256);
  });

  it("is missing in those of before there was one, which are read all the same", () => {
    expect(parseIndex(canonicalBytes(index))).toEqual(index);
  });

  it("keeps nobody from what no other object tells", () => {
    const changed = Buffer.from(Buffer.from(bytes).toString().replace('"generation":3', '"generation":7'));
    expect(refusal(() => parseIndex(changed), "integrity").why).toContain("its text was changed");
    expect(salvageIndex(changed)).toEqual({ ...index, generation: 7 });
  });
});

describe("a card", () => {
  const withCore = (change: object) => canonicalBytes({ ...card, core: { ...core, ...change } });

  it("tells a committed snapshot from a closed run", () => {
    expect(isCommitted(parseCard(encodeCard(card)))).toBe(true);
    expect(isCommitted(parseCard(encodeCard(adopted)))).toBe(false);
  });

  it.each<[string, object]>([
    ["another node's name that leaves the vault", { node: "../x" }],
    ["a reserved node's name", { node: "groups" }],
    ["a parent that is no id", { parent: "latest" }],
    ["an unknown suite", { suite: "none" }],
    ["an unknown state", { state: "good" }],
    ["a sequence number of 0", { seq: 0 }],
    ["a negative size", { bytes: { ...core.bytes, total: -1 } }],
    ["a digest in capitals", { manifest: { size: 1, sha256: "AB".repeat(32) } }],
    ["a commitment of another length", { commit: "AAAA" }],
    ["a pack list under another name", { pack_lists: [{ name: "../key.json", ...sum }] }],
    ["pack lists out of order", { pack_lists: [{ name: "packs-0001.json", ...sum }] }],
    ["an origin twice", { origins: [core.origins[0], core.origins[0]] }],
    ["an origin without packs", { origins: [{ snapshot, ranges: [] }] }],
    ["a range that falls", { origins: [{ snapshot, ranges: [[3, 2]] }] }],
    [
      "ranges that overlap",
      {
        origins: [
          {
            snapshot,
            ranges: [
              [0, 3],
              [3, 4],
            ],
          },
        ],
      },
    ],
    [
      "ranges that touch",
      {
        origins: [
          {
            snapshot,
            ranges: [
              [0, 3],
              [4, 4],
            ],
          },
        ],
      },
    ],
    ["a range without end", { origins: [{ snapshot, ranges: [[0, 100_000]] }] }],
    [
      "more than 256 origins",
      {
        origins: Array.from({ length: 257 }, (_, i) => ({
          snapshot: makeSnapshotId(i * 1000, new Uint8Array(8)),
          ranges: [[0, 0]],
        })),
      },
    ],
    ["65 tags", { tags: Array.from({ length: 65 }, String) }],
    ["a tag of 256 characters", { tags: ["x".repeat(256)] }],
    ["a height that is negative", { heights: { "": -1 } }],
  ])("with %s is refused, and the message names the field", (_, change) => {
    const { message } = refusal(() => parseCard(withCore(change)));
    expect(message).toContain(`core.${Object.keys(change)[0]}`);
  });

  it("of another vault, node or snapshot than asked for is refused by name", () => {
    const bytes = encodeCard(card);
    expect(parseCard(bytes, { vault, node, snapshot })).toEqual(card);
    const expected = [{ vault: makeVaultId(new Uint8Array(16)) }, { node: toNodeName("chain-2") }, { snapshot: older }];
    for (const one of expected) {
      const [field] = Object.keys(one);
      expect(refusal(() => parseCard(bytes, one)).what).toBe(`belongs to another ${field}`);
    }
    refusal(() => parseCard(encodeCard(adopted), { snapshot }));
  });

  it("that closes a run is signed by an adopting host, and by no keeper", () => {
    const { sig, ...unsigned } = adopted;
    refusal(() => parseCard(canonicalBytes(unsigned)));
    refusal(() => parseCard(canonicalBytes({ ...abandoned, sig })));
    refusal(() => parseCard(canonicalBytes({ ...abandoned, by: snapshot })));
  });
});

describe("a pack list", () => {
  it("has at most 10,000 rows and each pack once", () => {
    const rows = Array.from({ length: 10_001 }, (_, i) => ({ origin: snapshot, index: i, ...sum }));
    expect(parsePackList(encodePackList({ ...packList, rows: rows.slice(1) })).rows.length).toBe(10_000);
    refusal(() => encodePackList({ ...packList, rows }));
    refusal(() => encodePackList({ ...packList, rows: [rows[0], rows[0]] as never }));
  });
});

describe("backup_list", () => {
  it("has one line a snapshot, its day and its id", () => {
    const bytes = encodeBackupList([entry, { snapshot: older }]);
    expect(Buffer.from(bytes).toString()).toBe(`20260115/${snapshot}\n20260114/${older}\n`);
    expect(parseBackupList(bytes)).toEqual([snapshot, older]);
    expect(parseBackupList(encodeBackupList([]))).toEqual([]);
  });

  it.each([
    `20260115/${snapshot}`,
    `20260116/${snapshot}\n`,
    `${snapshot}\n`,
    `20260115/${snapshot}\r\n`,
    `20260115/${snapshot}\n\n`,
    `20260115/../../etc\n`,
  ])("refuses %j, naming the line", (text) => {
    expect(refusal(() => parseBackupList(Buffer.from(text))).message).toMatch(/line \d/);
  });
});
