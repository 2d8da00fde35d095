import { createHash, generateKeyPairSync } from "node:crypto";
import { indexSnapshots, rebuildIndex, retainSnapshots, selectSnapshot } from "../../../keeper/index.ts";
import {
  encodeCard,
  encodeNodeJson,
  isCommitted,
  parseCard,
  parseNodeJson,
  publicKeyOf,
  signCard,
} from "../../../vault/card/index.ts";
import { fromBase64url, isColdkeepError, makeSnapshotId, messageOf, names } from "../../../vault/names/index.ts";
import { hashed } from "../../../vault/store/hashed.ts";
import { cardWorld, START } from "../../support/cards.ts";
import type { Chance } from "../chance.ts";
import { readAll } from "../corrupt/read-all.ts";
import type { SmallVault } from "../corrupt/vault.ts";

/** What somebody tries with the rights he has; what holds is asked at once. */
export interface Attack {
  /** Who, and what: a line of the report. */
  readonly what: string;
  /** @returns `survived` where it changed nothing, `detected` where it was told. @throws where a promise was broken. */
  run(vault: SmallVault, chance: Chance): Promise<"survived" | "detected">;
}

const DAY = 86_400_000;

const bytesOf = ({ store }: SmallVault, name: string): Uint8Array => {
  const found = store.objects.get(name)?.bytes;
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
};
/** The three snapshots of the vault. */
const idsOf = ({ snapshots }: SmallVault) => {
  const [first, second, third] = snapshots.map(({ snapshot }) => snapshot);
  if (first === undefined || second === undefined || third === undefined)
    throw new Error("three snapshots are expected");
  return { first, second, third };
};

/** Puts one object over another: what is read of the second snapshot must be refused by the object's name, or be right. */
const mix = (what: string, from: (v: SmallVault) => string, over: (v: SmallVault) => string): Attack => ({
  what: `bucket write: ${what}`,
  async run(vault) {
    vault.store.plant(over(vault), bytesOf(vault, from(vault)));
    const said = await readAll(vault, idsOf(vault).second);
    const object = over(vault);
    if (!said.some((text) => text.includes(object))) throw new Error(`${object} was taken: ${said.join(" | ")}`);
    return "detected";
  },
});

const N = ({ node }: SmallVault) => node.name;

export const ATTACKS: readonly Attack[] = [
  mix(
    "another snapshot's card",
    (v) => names.card(N(v), idsOf(v).first),
    (v) => names.card(N(v), idsOf(v).second),
  ),
  mix(
    "another's manifest",
    (v) => names.manifest(N(v), idsOf(v).first),
    (v) => names.manifest(N(v), idsOf(v).second),
  ),
  mix(
    "another's key file",
    (v) => names.keyJson(N(v), idsOf(v).third),
    (v) => names.keyJson(N(v), idsOf(v).second),
  ),
  mix(
    "another's pack",
    (v) => names.pack(N(v), idsOf(v).third, 0),
    (v) => names.pack(N(v), idsOf(v).second, 0),
  ),
  mix(
    "an origin's key file",
    (v) => names.keyJson(N(v), idsOf(v).third),
    (v) => names.keyJson(N(v), idsOf(v).first),
  ),
  {
    what: "bucket write: an old index, head and list replayed",
    async run(vault) {
      const { store, node } = vault;
      const { third } = idsOf(vault);
      const caches = [names.indexJson(node.name), names.headJson(node.name), names.backupList(node.name)];
      const current = caches.map((name) => bytesOf(vault, name));
      // As they were before the third came.
      const older = new Map(store.objects);
      for (const name of [...caches, names.card(node.name, third), names.begin(node.name, third)])
        store.objects.delete(name);
      await indexSnapshots({
        store,
        node: node.name,
        ids: vault.snapshots.slice(0, 2).map(({ snapshot }) => snapshot),
      });
      const old = caches.map((name) => bytesOf(vault, name));
      for (const [name, object] of older) store.objects.set(name, object);
      for (const [at, name] of caches.entries()) store.plant(name, old[at] ?? new Uint8Array(0));
      const latest = await selectSnapshot({ store, node: node.name, selection: { by: "latest" } });
      const newest = vault.snapshots.at(-1)?.card.core.seq ?? 0;
      // A restore that knows better, by --min-seq, compares the number on the card, which is signed.
      if (latest.seq >= newest) throw new Error("the old index was not the one that was read");
      await rebuildIndex({ store, node: node.name });
      const now = await selectSnapshot({ store, node: node.name, selection: { by: "latest" } });
      if (now.snapshot !== third) throw new Error("made anew the index does not have the newest");
      if (current.length !== 3) throw new Error("three caches are expected");
      return "detected";
    },
  },
  {
    what: "bucket write: the node's record with a key of his own, and cards signed by it",
    async run(vault) {
      const { store, node } = vault;
      const { third } = idsOf(vault);
      const mine = generateKeyPairSync("ed25519").privateKey;
      const was = parseNodeJson(bytesOf(vault, names.nodeJson(node.name)));
      store.plant(names.nodeJson(node.name), encodeNodeJson({ ...was, key: publicKeyOf(mine) }));
      const card = parseCard(bytesOf(vault, names.card(node.name, third)));
      if (!isCommitted(card)) throw new Error("a card is expected");
      const mac = fromBase64url(card.mac, 32) ?? new Uint8Array(32);
      const forged = encodeCard(signCard({ ...card.core, seq: 99 }, mac, mine));
      store.plant(names.card(node.name, third), forged);
      const said = await readAll(vault, third, publicKeyOf(node.signingKey));
      if (said.length === 0) throw new Error("a forged card was taken");
      return "detected";
    },
  },
  {
    what: "bucket write: a card of his own beside the others",
    async run(vault, chance) {
      const { store, node } = vault;
      const { third } = idsOf(vault);
      const id = makeSnapshotId(Date.UTC(2027, 0, 1), chance.bytes(8));
      const card = parseCard(bytesOf(vault, names.card(node.name, third)));
      if (!isCommitted(card)) throw new Error("a card is expected");
      const mine = generateKeyPairSync("ed25519").privateKey;
      const mac = fromBase64url(card.mac, 32) ?? new Uint8Array(32);
      store.plant(names.card(node.name, id), encodeCard(signCard({ ...card.core, snapshot: id, seq: 99 }, mac, mine)));
      await indexSnapshots({ store, node: node.name, ids: [id] });
      const latest = await selectSnapshot({ store, node: node.name, selection: { by: "latest" } });
      if (latest.snapshot !== third) throw new Error(`${latest.snapshot} is listed as the newest`);
      return "detected";
    },
  },
  {
    what: "put-only host: overwrite what is there",
    async run(vault, chance) {
      const { store, node } = vault;
      const mine = [...store.objects.keys()].filter((name) => name.startsWith(`${node.name}/`));
      for (const name of mine) {
        const before = createHash("sha256").update(bytesOf(vault, name)).digest("hex");
        const made = await store.create(name, hashed(chance.bytes(100)));
        if (made.created || made.same) throw new Error(`${name} was taken`);
        if (createHash("sha256").update(bytesOf(vault, name)).digest("hex") !== before)
          throw new Error(`${name} changed`);
      }
      return "survived";
    },
  },
  {
    what: "put-only thief of the signing key: a flood of snapshots, to push the old ones out or run up the bill",
    async run(_vault, chance) {
      const world = await cardWorld();
      const cards: { core: { snapshot: Parameters<typeof names.card>[1] } }[] = [];
      for (let day = 0; day < 10; day += 1) cards.push(await world.snapshot({ at: START + day * DAY }));
      const flood = chance.whole(5, 40);
      for (let nth = 0; nth < flood; nth += 1)
        cards.push(await world.snapshot({ at: START + 10 * DAY + nth * 60_000 }));
      const { store, node } = world;
      await indexSnapshots({ store, node, ids: cards.map(({ core }) => core.snapshot) });
      world.now = START + 40 * DAY;
      const tiers = {
        keep: { last: 3 },
        within: {},
        tags: [],
        timezone: "UTC",
        floor: 7 * DAY,
        grace: 7 * DAY,
        interval: DAY,
      };
      const { held, expired } = await retainSnapshots({ store, node, tiers, apply: true, now: world.now });
      if (expired.length > 0) throw new Error(`${expired.length} expired by a flood of ${flood}`);
      if (!held.some(({ kind }) => kind === "anomaly")) throw new Error(`a flood of ${flood} is told by nobody`);
      return "detected";
    },
  },
  {
    what: "put-only thief of the signing key: a card that claims packs of others",
    async run(vault, chance) {
      const { store, node } = vault;
      const { third, first } = idsOf(vault);
      const id = makeSnapshotId(Date.UTC(2027, 0, 1), chance.bytes(8));
      const card = parseCard(bytesOf(vault, names.card(node.name, third)));
      if (!isCommitted(card)) throw new Error("a card is expected");
      const mac = fromBase64url(card.mac, 32) ?? new Uint8Array(32);
      const origins = [{ snapshot: first, ranges: [[0, 99]] as [number, number][] }];
      const core = { ...card.core, snapshot: id, seq: 4, origins };
      await store.create(names.card(node.name, id), hashed(encodeCard(signCard(core, mac, node.signingKey))));
      const { entries } = await indexSnapshots({ store, node: node.name, ids: [id] });
      if (entries.some(({ state }) => state === "good")) throw new Error("it is listed as good");
      return "detected";
    },
  },
  {
    what: "function's role: read what a snapshot holds",
    async run(vault) {
      const { third } = idsOf(vault);
      const none = { type: "key", unwrap: async () => null } as const;
      try {
        const said = await readAll({ ...vault, identities: [none], contents: new Map() }, third);
        if (said.length === 0) throw new Error("it was read without a key");
      } catch (error) {
        if (!isColdkeepError(error)) throw new Error(messageOf(error));
      }
      return "detected";
    },
  },
];
