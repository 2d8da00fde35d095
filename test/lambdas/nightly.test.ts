import { describe, expect, it } from "vitest";
import { changeStanding, indexSnapshots, rebuildIndex } from "../../keeper/index.ts";
import type { NodeJob, WrittenNode } from "../../lambdas/common/contract.ts";
import { dueNodes } from "../../lambdas/common/due.ts";
import { onNightly } from "../../lambdas/common/nightly.ts";
import { settingsOf } from "../../lambdas/common/settings.ts";
import { RETENTION_METRICS } from "../../lambdas/retention/contract.ts";
import { retainNode } from "../../lambdas/retention/retain-node.ts";
import { VERIFIER_METRICS } from "../../lambdas/verifier/contract.ts";
import type { Message } from "../../lambdas/verifier/tell-people.ts";
import { verifyNode } from "../../lambdas/verifier/verify-node.ts";
import { type Card, encodeCard, parseHead, parseIndex } from "../../vault/card/index.ts";
import { makeSnapshotId, names, type SnapshotId } from "../../vault/names/index.ts";
import { runHere } from "../cli/run.ts";
import { type CardWorld, cardWorld, START, usesOf } from "../support/cards.ts";
import { countingStore } from "../support/counting-store.ts";
import { keepingTeller, textRecord } from "./events.ts";

const DAY = 86_400_000;
const NODE: WrittenNode = { name: "icon", at: "00:00", stale_after: "26h", reread_days: 2 };
const never = new AbortController().signal;

function nodeOf(more: Partial<WrittenNode> = {}) {
  const node = settingsOf({ format: 1, nodes: [{ ...NODE, ...more }] }).get("icon");
  if (node === undefined) throw new Error("it is the one there is");
  return node;
}

async function daily(world: CardWorld, days: number, heights = true): Promise<Card[]> {
  const cards: Card[] = [];
  for (let day = 0; day < days; day += 1) {
    cards.push(await world.snapshot({ at: START + day * DAY, ...(heights ? { heights: { "": 100 + day } } : {}) }));
  }
  await indexSnapshots({ store: world.store, node: world.node, ids: cards.map(({ core }) => core.snapshot) });
  return cards;
}

const reportOf = ({ store, node }: CardWorld, job: string) =>
  JSON.parse(Buffer.from(store.objects.get(names.report(node, job))?.bytes ?? new Uint8Array(0)).toString());

describe("whose hour has come", () => {
  const at = (when: string, written: Partial<WrittenNode>) =>
    dueNodes(settingsOf({ format: 1, nodes: [{ ...NODE, ...written }] }), Date.parse(when)).length === 1;

  it("is told by each node's own clock", () => {
    expect(at("2026-03-01T00:00:00Z", {})).toBe(true);
    expect(at("2026-03-01T00:14:59Z", {})).toBe(true);
    expect(at("2026-03-01T00:15:00Z", {})).toBe(false);
    expect(at("2026-02-28T23:45:00Z", {})).toBe(false);
    const shanghai = { at: "03:20", tiers: { keep_last: 1, timezone: "Asia/Shanghai" } };
    expect(at("2026-03-01T19:15:00Z", shanghai)).toBe(true);
    expect(at("2026-03-01T19:30:00Z", shanghai)).toBe(false);
    const kathmandu = { at: "00:00", tiers: { keep_last: 1, timezone: "Asia/Kathmandu" } };
    expect(at("2026-03-01T18:15:00Z", kathmandu)).toBe(true);
  });

  it("comes once a day, also on days on which clocks are changed", () => {
    const settings = settingsOf({
      format: 1,
      nodes: [{ ...NODE, at: "02:30", tiers: { keep_last: 1, timezone: "Europe/Berlin" } }],
    });
    for (const day of ["2026-03-28", "2026-03-29", "2026-03-30", "2026-10-24", "2026-10-25", "2026-10-26"]) {
      const ticks = Array.from({ length: 96 }, (_, n) => Date.parse(`${day}T00:00:00Z`) + n * 900_000);
      expect(
        ticks.filter((tick) => dueNodes(settings, tick).length === 1),
        day,
      ).toHaveLength(1);
    }
  });
});

describe("a deployment of ten thousand nodes", () => {
  it("has a message a node at midnight, and each node's settings at hand", async () => {
    const nodes = Array.from({ length: 10_000 }, (_, n) => ({ ...NODE, name: `node-${n}` }));
    const settings = settingsOf({ format: 1, nodes });
    const sent: string[] = [];
    const on = { settings, send: async (jobs: readonly NodeJob[]) => void sent.push(...jobs.map(({ node }) => node)) };
    const work = async () => {};
    await onNightly({ ...on, work }, { tick: "2026-03-01T00:00:00Z" });
    expect(new Set(sent).size).toBe(10_000);
    await onNightly({ ...on, work }, { tick: "2026-03-01T00:15:00Z" });
    expect(sent).toHaveLength(10_000);
    const worked: string[] = [];
    const Records = [textRecord(JSON.stringify({ node: "node-9999" }))];
    await onNightly({ ...on, work: async ({ name }) => void worked.push(name) }, { Records });
    expect(worked).toEqual(["node-9999"]);
  });
});

describe("a node's night", () => {
  it("expires, later deletes, leaves a report, and counts", async () => {
    const world = await cardWorld();
    const cards = await daily(world, 20);
    const tell = keepingTeller();
    const on = { store: world.store, tell, now: () => world.now };
    const node = nodeOf({ tiers: { keep_within: "15d", timezone: "UTC" } });
    expect(await retainNode(on, node, { apply: false })).toMatchObject({ applied: false, snapshots: 20 });
    expect(world.store.objects.has(names.report(world.node, "retention"))).toBe(false);
    await retainNode(on, node, { apply: true });
    const { expired, bytes } = reportOf(world, "retention");
    expect(expired).toEqual(
      cards
        .slice(0, 5)
        .map(({ core }) => core.snapshot)
        .reverse(),
    );
    expect(bytes).toBe(0);
    expect(tell.counts.get(RETENTION_METRICS.expired)).toBe(expired.length);

    // A week of backups later the grace of these is over.
    for (let day = 20; day < 29; day += 1) {
      const card = await world.snapshot({ at: START + day * DAY });
      await indexSnapshots({ store: world.store, node: world.node, ids: [card.core.snapshot] });
    }
    await retainNode(on, node, { apply: true });
    const later = reportOf(world, "retention");
    expect(new Set(later.collected)).toEqual(new Set(expired));
    expect(later.bytes).toBeGreaterThan(0);
    expect(tell.counts.get(RETENTION_METRICS.deleted)).toBe(later.bytes);
    expect([...world.store.objects.keys()].filter((name) => name.includes(expired[0]))).toHaveLength(0);
  });

  it("says once of each snapshot that a rule keeps for good that it does", async () => {
    const world = await cardWorld();
    const cards = await daily(world, 20);
    const tiers = { keep_within: "15d", permanent: "00:00", timezone: "UTC" } as const;
    const night = async () => {
      const tell = keepingTeller();
      await retainNode({ store: world.store, tell, now: () => world.now }, nodeOf({ tiers }), { apply: true });
      return tell.lines.filter((line) => line.startsWith("info audit"));
    };
    const lines = await night();
    expect(lines).toHaveLength(5);
    for (const { core } of cards.slice(0, 5)) {
      expect(lines.join("\n")).toContain(
        `"event":"permanent","who":"the node's tiers","node":"icon","snapshot":"${core.snapshot}"`,
      );
    }
    expect(await night()).toEqual([]);
  });

  it("is held back by a brake, says so, and changes nothing", async () => {
    const world = await cardWorld();
    await daily(world, 30);
    const tell = keepingTeller();
    const node = nodeOf({ tiers: { keep_last: 2, timezone: "UTC" } });
    await retainNode({ store: world.store, tell, now: () => world.now }, node, { apply: true });
    expect(reportOf(world, "retention")).toMatchObject({ expired: [], held: [expect.stringContaining("share: ")] });
    expect(tell.counts.get(RETENTION_METRICS.held)).toBe(1);
  });

  it("passes over a node that has nothing yet, and fails loudly on what it cannot understand", async () => {
    const world = await cardWorld("other");
    const tell = keepingTeller();
    const on = { store: world.store, tell, now: () => world.now };
    expect(await retainNode(on, nodeOf(), { apply: true })).toEqual({ node: "icon", snapshots: 0 });
    const icon = await cardWorld();
    const card = await icon.snapshot();
    icon.store.plant(names.card(icon.node, card.core.snapshot), Buffer.from('{"core":{"format":99}}'));
    await expect(retainNode({ ...on, store: icon.store }, nodeOf(), { apply: true })).rejects.toThrow(
      /written by a newer coldkeep/,
    );
    expect(tell.counts.get(RETENTION_METRICS.failed)).toBe(1);
  });
});

describe("the verifier", () => {
  async function verify(
    world: CardWorld,
    more: Partial<WrittenNode> = {},
    until = never,
    onCall: (call: string) => unknown = () => {},
  ) {
    const tell = keepingTeller();
    const messages: Message[] = [];
    const sent: NodeJob[] = [];
    const on = {
      store: countingStore(world.store, onCall),
      tell,
      people: async (message: Message) => void messages.push(message),
      send: async (jobs: readonly NodeJob[]) => void sent.push(...jobs),
      now: () => world.now,
    };
    const outcome = (await verifyNode(on, nodeOf(more), until)) as {
      findings: { kind: string; on: string; words: string }[];
      read: number;
      left: string | null;
      snapshots: number;
    };
    return { ...outcome, tell, messages, sent };
  }

  it("finds nothing where nothing is wrong, and says nothing", async () => {
    const world = await cardWorld();
    await daily(world, 5);
    const { findings, messages } = await verify(world);
    expect(findings).toEqual([]);
    expect(messages).toEqual([]);
    expect(reportOf(world, "verifier")).toMatchObject({ snapshots: 5, findings: [] });
  });

  it("reads every pack once in its days", async () => {
    const world = await cardWorld();
    await daily(world, 5);
    const packs = [...world.store.objects].filter(([name]) => name.endsWith(".pack"));
    const bytes = packs.reduce((sum, [, { info }]) => sum + info.size, 0);
    const first = await verify(world, { stale_after: "30d" });
    world.now += DAY;
    const second = await verify(world, { stale_after: "30d" });
    expect(first.read).toBeGreaterThan(0);
    expect(first.read + second.read).toBe(bytes);
  });

  it("tells of a missing, a short and, on its day, a changed pack", async () => {
    const world = await cardWorld();
    const [a, b, c] = await daily(world, 3);
    const pack = (card: Card | undefined, index: number) => names.pack(world.node, (card as Card).core.snapshot, index);
    world.store.objects.delete(pack(a, 0));
    world.store.plant(pack(b, 0), Buffer.from("short"));
    const bytes = Buffer.from(world.store.objects.get(pack(c, 1))?.bytes ?? []);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    world.store.plant(pack(c, 1), bytes);
    const { findings, messages, tell } = await verify(world, { reread_days: 1 });
    expect(findings.map(({ on }) => on).sort()).toEqual([a, b, c].map((card) => card?.core.snapshot));
    expect(tell.counts.get(VERIFIER_METRICS.damaged)).toBe(3);
    expect(messages[0]?.subject).toBe("coldkeep: icon: damaged");
    const commands = [...(messages[0]?.text.matchAll(/`coldkeep ([^`]+)`/g) ?? [])].map(([, words = ""]) => words);
    expect(commands).toEqual(["verify --all --without-key", "copy", "backup --full"]);
    // Every word of them is one that the command line knows.
    for (const words of commands) expect((await runHere([...words.split(" "), "--help"])).code, words).toBe(0);
  });

  it("counts what a vault lost, keeps the first of it, and tells how many more there are", async () => {
    const world = await cardWorld();
    const cards: Card[] = [];
    for (let n = 0; n < 70; n += 1) {
      const parent = cards.at(-1);
      const more = parent === undefined ? {} : { parent: parent.core.snapshot, inherited: parent.core.origins };
      cards.push(await world.snapshot({ packs: 1, ...more }));
    }
    await indexSnapshots({ store: world.store, node: world.node, ids: cards.map(({ core }) => core.snapshot) });
    for (const name of world.store.objects.keys()) if (name.endsWith(".pack")) world.store.objects.delete(name);
    const { findings, messages, tell } = await verify(world, { stale_after: "90d" });
    // Sixteen of each, and a line for the rest of it; of the oldest sixteen all.
    const all = (16 * 17) / 2 + (70 - 16) * 17;
    expect(findings).toHaveLength(1000);
    expect(findings.at(-1)?.words).toMatch(/missing|more of its objects are damaged/);
    expect(findings.filter(({ on }) => on === cards[20]?.core.snapshot).at(-1)?.words).toBe(
      "5 more of its objects are damaged",
    );
    expect(reportOf(world, "verifier")).toMatchObject({ snapshots: 70, more: all - 1000 });
    expect(messages[0]?.text).toContain(`and ${all - 20} more, the first 1000 are in reports/verifier.json`);
    expect(tell.counts.get(VERIFIER_METRICS.damaged)).toBe(70);
  });

  it("lists what is damaged as such, and as good again once it is whole: no latest, no parent meanwhile", async () => {
    const world = await cardWorld();
    const cards = await daily(world, 3);
    const newest = cards[2] as Card;
    const pack = names.pack(world.node, newest.core.snapshot, 1);
    const whole = Buffer.from(world.store.objects.get(pack)?.bytes ?? []);
    const changed = Buffer.from(whole);
    changed[0] = (changed[0] ?? 0) ^ 1;
    world.store.plant(pack, changed);
    const states = () =>
      parseIndex(world.store.objects.get(names.indexJson(world.node))?.bytes ?? new Uint8Array(0)).snapshots;
    await verify(world, { reread_days: 1 });
    expect(states().map(({ state }) => state)).toEqual(["damaged", "good", "good"]);
    expect(states()[0]?.remarks).toEqual([expect.stringMatching(`^damaged: ${pack}: changed: its SHA-256 is`)]);
    const head = parseHead(world.store.objects.get(names.headJson(world.node))?.bytes ?? new Uint8Array(0));
    expect(head.newest).toBe(cards[1]?.core.snapshot);
    // Not its day to be read, and yet it stays damaged; so it does where the index is taken in anew, or made anew.
    const { findings } = await verify(world, { reread_days: 3650 });
    expect(findings).toMatchObject([{ kind: "damage", on: newest.core.snapshot }]);
    await indexSnapshots({ store: world.store, node: world.node, ids: [newest.core.snapshot] });
    expect(states()[0]?.state).toBe("damaged");
    await rebuildIndex({ store: world.store, node: world.node });
    expect(states()[0]?.state).toBe("damaged");
    world.store.plant(pack, whole);
    await verify(world, { reread_days: 3650 });
    expect(states().map(({ state, remarks }) => [state, remarks])).toEqual(Array(3).fill(["good", []]));
  });

  it("tells of a changed pack on any day, where the store keeps a sum of it", async () => {
    const world = await cardWorld();
    const [card] = await daily(world, 1);
    const pack = names.pack(world.node, (card as Card).core.snapshot, 0);
    const there = world.store.objects.get(pack);
    if (there === undefined) throw new Error("it was put");
    there.info = { ...there.info, sha256: "0".repeat(64) };
    const { findings, read } = await verify(world, { reread_days: 3650 });
    expect(findings).toMatchObject([{ kind: "damage", words: expect.stringMatching(/00000\.pack: changed/) }]);
    expect(read).toBe(0);
  });

  it("tells of locks that run out, and what to look at", async () => {
    const world = await cardWorld();
    world.store.locking = { mode: "governance", ms: 30 * DAY };
    const cards = await daily(world, 2);
    expect((await verify(world)).findings).toEqual([]);
    world.now += 26 * DAY;
    const { findings, messages, tell } = await verify(world, { stale_after: "90d" });
    expect(findings).toMatchObject(cards.map(({ core }) => ({ kind: "lock", on: core.snapshot })));
    expect(findings[0]?.words).toMatch(/is locked until 2026-01-31T\S+ only; 5\.5 days at least/);
    expect(messages[0]?.subject).toBe("coldkeep: icon: locks run out");
    expect(messages[0]?.text).toContain("s3:PutObjectRetention");
    expect(tell.counts.get(VERIFIER_METRICS.unlocked)).toBe(1);
    // What retention renews is no gap any more.
    const on = { store: world.store, tell: keepingTeller(), now: () => world.now };
    await retainNode(on, nodeOf({ tiers: { keep_last: 9, timezone: "UTC" } }), { apply: true });
    expect(reportOf(world, "retention").locks).toMatchObject({ finished: true, renewed: expect.any(Number) });
    expect((await verify(world, { stale_after: "90d" })).findings).toEqual([]);
  });

  it("tells of a node without a new snapshot, of a height that stands still, and of sizes that jump", async () => {
    const world = await cardWorld();
    await daily(world, 3);
    world.now += 27 * 3_600_000;
    const stale = await verify(world);
    expect(stale.findings).toMatchObject([{ kind: "stale", words: expect.stringContaining("allowed are 26h") }]);
    expect(stale.messages[0]?.subject).toBe("coldkeep: icon: no new snapshot");

    const still = await cardWorld();
    await still.snapshot({ heights: { "": 5 } });
    await still.snapshot({
      heights: { "": 5 },
      change: (core) => ({ ...core, bytes: { ...core.bytes, total: 9000 } }),
    });
    const names_ = [...still.store.objects.keys()].filter((name) => name.endsWith(".card.json"));
    const ids = names_.map((name) => name.slice(name.lastIndexOf("/") + 1, -".card.json".length));
    await indexSnapshots({ store: still.store, node: still.node, ids: ids as never });
    const { findings } = await verify(still);
    expect(findings.map(({ words }) => words)).toEqual([
      expect.stringMatching(/the height is 5 in .* as in/),
      expect.stringMatching(/holds 9000 bytes, .* before it 1000/),
    ]);
    expect((await verify(await cardWorld("other"))).findings).toMatchObject([{ kind: "stale" }]);
  });

  it("misses nothing new of a node that is retired, and nothing at all of one that is deleted", async () => {
    const world = await cardWorld();
    await daily(world, 3);
    world.now += 27 * 3_600_000;
    expect((await verify(world)).findings).toMatchObject([{ kind: "stale" }]);
    const say = (state: "retired" | "deleting") =>
      changeStanding(world.store, { node: world.node, vault: world.vault }, () => ({ state }));
    await say("retired");
    expect((await verify(world)).findings).toEqual([]);
    await say("deleting");
    world.store.objects.delete(names.indexJson(world.node));
    expect((await verify(world)).findings).toEqual([]);
  });

  it("tells where the index and the cards say different things", async () => {
    const world = await cardWorld();
    await daily(world, 2);
    const lost = await world.snapshot({ at: START + 2 * DAY, heights: { "": 200 } });
    const { findings } = await verify(world);
    expect(findings).toEqual([
      { kind: "odd", on: lost.core.snapshot, words: "it is committed, and the index does not list it" },
    ]);
    const [first] = parseIndex(
      world.store.objects.get(names.indexJson(world.node))?.bytes ?? new Uint8Array(0),
    ).snapshots;
    world.store.objects.delete(names.card(world.node, first?.snapshot as never));
    const again = await verify(world);
    expect(again.findings.map(({ words }) => words)).toContain("the index lists it, and its card is gone");
  });

  it("lists packs each night, and asks for one by itself when it came, or is read", async () => {
    const world = await cardWorld();
    await daily(world, 3);
    const asked = async (more: Partial<WrittenNode> = {}) => {
      const calls: string[] = [];
      const { findings } = await verify(world, { reread_days: 3650, stale_after: "90d", ...more }, never, (call) =>
        calls.push(call),
      );
      expect(findings).toEqual([]);
      return calls.filter((call) => call.startsWith("HEAD ") && call.endsWith(".pack"));
    };
    world.now += DAY / 4;
    expect(await asked()).toHaveLength(6);
    world.now += DAY;
    expect(await asked()).toEqual([]);
    const more = await world.snapshot({ at: world.now, packs: 1, heights: { "": 900 } });
    await indexSnapshots({ store: world.store, node: world.node, ids: [more.core.snapshot] });
    world.now += DAY;
    expect(await asked()).toEqual([`HEAD ${names.pack(world.node, more.core.snapshot, 0)}`]);
    // A report that says nothing, or of a time to come, is no look that was had.
    world.now += DAY;
    for (const report of ["{", '{"through":9007199254740991,"began":1}']) {
      world.store.plant(names.report(world.node, "verifier"), Buffer.from(report));
      expect(await asked(), report).toHaveLength(7);
    }
  });

  it("sees on the same night what was put in a pack's place, and that one is gone, though all was looked at before", async () => {
    const world = await cardWorld();
    const [a, b] = await daily(world, 2);
    const rare = { reread_days: 3650, stale_after: "90d" };
    await verify(world, rare);
    world.now += DAY;
    const pack = (card: Card | undefined) => names.pack(world.node, (card as Card).core.snapshot, 0);
    world.store.objects.delete(pack(a));
    const bytes = Buffer.from(world.store.objects.get(pack(b))?.bytes ?? []);
    world.store.plant(pack(b), bytes, world.now);
    const there = world.store.objects.get(pack(b));
    if (there === undefined) throw new Error("it was planted");
    there.info = { ...there.info, sha256: "0".repeat(64) };
    const { findings } = await verify(world, rare);
    expect(findings.map(({ words }) => words)).toEqual([
      expect.stringContaining("00000.pack: missing"),
      expect.stringContaining("00000.pack: changed"),
    ]);
  });

  it("does not read what a listing tells to lie in an archive: the store's sum has to do", async () => {
    const world = await cardWorld();
    const [card] = await daily(world, 1);
    const pack = names.pack(world.node, (card as Card).core.snapshot, 0);
    const there = world.store.objects.get(pack);
    if (there === undefined) throw new Error("it was put");
    there.info = { ...there.info, archived: true };
    const calls: string[] = [];
    const { findings } = await verify(world, { reread_days: 1 }, never, (call) => calls.push(call));
    expect(findings).toEqual([]);
    expect(calls).toContain(`HEAD ${pack}`);
    expect(calls).not.toContain(`GET ${pack}`);
    there.info = { ...there.info, sha256: "0".repeat(64) };
    expect((await verify(world, { reread_days: 1 })).findings).toMatchObject([{ kind: "damage" }]);
  });

  it("asks once a job for what all snapshots on top of an origin share", async () => {
    const world = await cardWorld();
    const calls: string[] = [];
    let parent = await world.snapshot();
    const ids = [parent.core.snapshot];
    for (let n = 0; n < 8; n += 1) {
      parent = await world.snapshot({ parent: parent.core.snapshot, inherited: usesOf(parent), heights: { "": n } });
      ids.push(parent.core.snapshot);
    }
    await indexSnapshots({ store: world.store, node: world.node, ids });
    await verify(world, { reread_days: 3650 }, never, (call) => calls.push(call));
    const records = calls.filter((call) => /^GET .*(\.card|key|packs-0000)\.json$/.test(call));
    expect(records).toHaveLength(3 * 9);
    expect(new Set(records).size).toBe(records.length);
    expect(calls.filter((call) => call.startsWith("LIST icon/data/"))).toHaveLength(9);
  });

  it("puts what it has no time for into the queue again, and goes on there", async () => {
    const world = await cardWorld();
    await daily(world, 4);
    const out = new AbortController();
    out.abort();
    const first = await verify(world, {}, out.signal);
    expect(first.snapshots).toBe(1);
    expect(first.sent).toEqual([{ node: "icon" }]);
    const rest = await verify(world);
    // The first again, as there was no time for all of its packs.
    expect(rest.snapshots).toBe(4);
    expect(rest.sent).toEqual([]);
  });

  it.each([
    ["read", 1, "GET"],
    ["asked for", 3650, "HEAD"],
  ])(
    "a snapshot of more packs than are %s in one call takes as many calls as it needs, one a pack at worst",
    async (_, days, call) => {
      const { world, packs } = await twoSnapshots();
      const calls: string[] = [];
      const looks = await lookUntilDone(world, days, (call) => calls.push(call));
      expect(looks).toHaveLength(packs.length);
      for (const name of packs)
        expect(
          calls.filter((one) => one === `${call} ${name}`),
          name,
        ).toHaveLength(1);
    },
  );

  it("tells of what is damaged in the midst of such a snapshot, and forgets none of it in the calls that follow", async () => {
    const { world, packs } = await twoSnapshots();
    const [, , hit = ""] = packs;
    world.store.plant(hit, Buffer.from(world.store.objects.get(hit)?.bytes ?? []).fill(0, 0, 1));
    const looks = await lookUntilDone(world, 1, () => {});
    const telling = looks
      .slice(0, packs.length)
      .map(({ findings }) => findings.some(({ words }) => words.startsWith(hit)));
    expect(telling).toEqual(packs.map((_, at) => at >= 2));
    const { snapshots } = parseIndex(world.store.objects.get(names.indexJson(world.node))?.bytes ?? new Uint8Array(0));
    expect(snapshots.map(({ state }) => state)).toEqual(["damaged", "damaged"]);
  });

  it("is through where its time was over just with the last pack, and has compared the index with the cards", async () => {
    const world = await cardWorld();
    const [first] = await daily(world, 3);
    const { store, node, now } = world;
    const gone = first?.core.snapshot as SnapshotId;
    store.objects.delete(names.card(node, gone));
    const last = [...store.objects.keys()].filter((name) => name.endsWith(".pack")).sort();
    const time = new AbortController();
    const onCall = (call: string) => {
      if (call === `GET ${last.at(-1)}`) time.abort();
    };
    const { left, sent, findings } = await verify(world, { reread_days: 1 }, time.signal, onCall);
    expect(time.signal.aborted).toBe(true);
    expect({ left, sent }).toEqual({ left: null, sent: [] });
    expect(findings).toContainEqual(expect.objectContaining({ on: gone, words: expect.stringContaining("is gone") }));
    expect(reportOf(world, "verifier")).toMatchObject({ snapshots: 2, left: null, through: now });
  });

  it("is through as well where what it left off before turns out to be no snapshot", async () => {
    const world = await cardWorld();
    await daily(world, 1);
    const { vault, node, store, now } = world;
    const snapshot = makeSnapshotId(now, new Uint8Array(8));
    store.plant(names.card(node, snapshot), encodeCard({ format: 1, vault, node, snapshot, state: "abandoned" }));
    const looks = await lookUntilDone(world, 3650, () => {});
    expect(looks.at(-1)).toMatchObject({ snapshots: 0, left: null });
    expect(reportOf(world, "verifier")).toMatchObject({ left: null, through: now });
  });

  /** Seven packs, and three more on top of them; the names of all, in their order. */
  async function twoSnapshots() {
    const world = await cardWorld();
    const first = await world.snapshot({ packs: 7 });
    const second = await world.snapshot({ packs: 3, parent: first.core.snapshot, inherited: usesOf(first) });
    const ids = [first.core.snapshot, second.core.snapshot];
    await indexSnapshots({ store: world.store, node: world.node, ids });
    return { world, packs: [...world.store.objects.keys()].filter((name) => name.endsWith(".pack")).sort() };
  }

  /** Calls that are out of time from the start, until one comes to the end. */
  async function lookUntilDone(world: CardWorld, days: number, onCall: (call: string) => unknown) {
    const out = new AbortController();
    out.abort();
    const looks: Awaited<ReturnType<typeof verify>>[] = [];
    do {
      looks.push(await verify(world, { reread_days: days }, out.signal, onCall));
    } while (looks.at(-1)?.left !== null && looks.length < 50);
    return looks;
  }

  it("looks at all there is, whatever a message says it should pass over; a look that was left off yesterday begins anew", async () => {
    const world = await cardWorld();
    const cards = await daily(world, 3);
    const done: unknown[] = [];
    const settings = settingsOf({ format: 1, nodes: [NODE] });
    const work = async () => void done.push((await verify(world)).snapshots);
    const body = JSON.stringify({ node: "icon", after: cards[2]?.core.snapshot, through: 9e15, left: null });
    await onNightly({ settings, send: async () => {}, work }, { Records: [textRecord(body)] });
    expect(done).toEqual([3]);
    const out = new AbortController();
    out.abort();
    expect((await verify(world, {}, out.signal)).left).toBe(cards[0]?.core.snapshot);
    world.now += DAY;
    expect((await verify(world, { stale_after: "90d" })).snapshots).toBe(3);
  });
});
