import { describe, expect, it } from "vitest";
import type { Call } from "../../../agent/commands/define.ts";
import type { Session } from "../../../agent/commands/session.ts";
import { verifyKeyless } from "../../../agent/commands/verify-keyless.ts";
import { keptProgress } from "../../../agent/report/index.ts";
import type { KeylessVerdict } from "../../../keeper/index.ts";
import type { Card } from "../../../vault/card/index.ts";
import { names } from "../../../vault/names/index.ts";
import { cardWorld } from "../../support/cards.ts";
import { countingStore } from "../../support/counting-store.ts";

const COUNT = 60;
/** What a listing gathers before it writes. */
const GATHERED = 32 << 10;

/** So many snapshots, each using the packs of all before it, of which none is left. */
async function damaged(json: boolean, isRead = () => true) {
  const world = await cardWorld();
  const cards: Card[] = [];
  for (let n = 0; n < COUNT; n += 1) {
    const parent = cards.at(-1);
    const more = parent === undefined ? {} : { parent: parent.core.snapshot, inherited: parent.core.origins };
    cards.push(await world.snapshot({ packs: 1, ...more }));
  }
  for (const name of world.store.objects.keys()) if (name.endsWith(".pack")) world.store.objects.delete(name);
  let poured = "";
  const atBegin: number[] = [];
  const pour = async (text: string | Uint8Array) => {
    poured += String(text);
    return isRead();
  };
  const store = countingStore(world.store, (call) => {
    if (call.startsWith("HEAD") && call.includes("/begins/")) atBegin.push(poured.length);
  });
  const signal = new AbortController().signal;
  const call = { flags: { json }, progress: keptProgress(), io: { pour, signal } } as unknown as Call;
  const session = { config: { vaultId: world.vault }, node: { name: world.node } } as unknown as Session;
  const ids = cards.map(({ core }) => core.snapshot);
  const answer = await verifyKeyless(session, store, call, ids, false);
  return { answer, world, ids, poured, atBegin };
}

describe("verify --without-key of many damaged snapshots", () => {
  it("--json tells every damage, as they are found: no more is kept than what is gathered for one write", async () => {
    const { answer, world, ids, poured, atBegin } = await damaged(true);
    const told = JSON.parse(poured) as { node: string; ok: boolean; snapshots: KeylessVerdict[] };
    expect(told).toMatchObject({ node: world.node, ok: false });
    expect(told.snapshots.map(({ snapshot }) => snapshot)).toEqual(ids);
    for (const [n, { damages }] of told.snapshots.entries()) {
      const packs = ids.slice(0, n + 1).map((id) => names.pack(world.node, id, 0));
      expect(damages.map(({ object }) => object)).toEqual(packs);
    }
    let before = 0;
    for (const [n, verdict] of told.snapshots.entries()) {
      expect(before - (atBegin[n] ?? 0), `before snapshot ${n}`).toBeLessThanOrEqual(GATHERED);
      before += JSON.stringify(verdict).length;
    }
    expect(poured.length).toBeGreaterThan(4 * GATHERED);
    expect("document" in answer).toBe(false);
  });

  it("people are told the first of a snapshot's damages and how many there are, and of the first snapshots by name", async () => {
    const { answer, ids, poured } = await damaged(false);
    const blocks = poured.split("\n\n").map((block) => block.trimEnd().split("\n"));
    expect(blocks).toHaveLength(COUNT);
    for (const [n, [head, count, ...lines]] of blocks.entries()) {
      expect(head).toBe(`${ids[n]}  DAMAGED, as far as can be told without the key`);
      expect(count).toBe(n === 0 ? "  1 damage" : `  ${n + 1} damages`);
      expect(lines.slice(0, 10).every((line) => line.endsWith("00000.pack: missing: it is not there"))).toBe(true);
      expect(lines.slice(10)).toEqual(n < 10 ? [] : [`  and ${n - 9} more, told by --json`]);
    }
    expect(answer.failure).toMatchObject({ kind: "integrity", what: "60 snapshots are damaged" });
    expect(answer.failure?.on).toBe(`${ids.slice(0, 20).join(", ")} and 40 more`);
  });

  it("where nobody reads to the end all are looked at, and it fails all the same", async () => {
    const { answer, atBegin } = await damaged(true, () => false);
    expect(atBegin).toHaveLength(COUNT);
    expect(answer.failure).toMatchObject({ kind: "integrity", what: "60 snapshots are damaged" });
  });
});
