import { describe, expect, it } from "vitest";
import {
  askStanding,
  changeStanding,
  issueTicket,
  listTickets,
  makePresenter,
  markSnapshot,
  readMark,
  readStanding,
  revokeTicket,
} from "../../keeper/index.ts";
import { encodeExpired, encodeFate } from "../../vault/card/index.ts";
import { names, silent } from "../../vault/names/index.ts";
import { localTicketMac } from "../../vault/ticket/index.ts";
import { type CardWorld, cardWorld } from "../support/cards.ts";

/** Found by the campaign corrupt, seed 1: what operators and tickets said, damaged, swapped or in part gone. */
async function worldOfOne() {
  const world = await cardWorld();
  const { core } = await world.snapshot();
  const { store, vault, node } = world;
  return { world, store, scope: { vault, node }, node, snapshot: core.snapshot };
}

const bytesOf = ({ store }: CardWorld, name: string) => store.objects.get(name)?.bytes ?? new Uint8Array(0);

describe("an operator's words, one after the other", () => {
  it("of which an earlier one lies under a later one's name, are not believed", async () => {
    const { world, store, scope, node, snapshot } = await worldOfOne();
    for (const pinned of [false, true])
      await markSnapshot({ store, node, snapshot, change: () => ({ pinned, tags: ["a"] }) });
    store.plant(names.mark(node, snapshot, 2), bytesOf(world, names.mark(node, snapshot, 1)));
    expect(await readMark(store, scope, snapshot)).toMatchObject({ unreadable: expect.stringContaining("round") });

    for (const state of ["retired", "active", "retired"] as const)
      await changeStanding(store, scope, () => ({ state }));
    store.plant(names.standing(node, 3), bytesOf(world, names.standing(node, 2)));
    await expect(readStanding(store, scope)).rejects.toMatchObject({ kind: "integrity", on: names.standing(node, 3) });

    const expiry = { format: 1, ...scope, snapshot } as const;
    for (const round of [1, 2]) store.plant(names.expired(node, snapshot, round), encodeExpired({ ...expiry, round }));
    store.plant(names.fate(node, snapshot, 2), encodeFate({ ...expiry, round: 1, fate: "rescued" }));
    const asked = askStanding({ store, node, snapshot });
    await expect(asked).rejects.toMatchObject({ kind: "integrity", on: names.fate(node, snapshot, 2) });
  });

  it("of which the first is gone, still hold, and the next one comes after them", async () => {
    const { store, scope, node, snapshot } = await worldOfOne();
    for (const pinned of [false, true])
      await markSnapshot({ store, node, snapshot, change: () => ({ pinned, tags: ["a"] }) });
    store.objects.delete(names.mark(node, snapshot, 1));
    expect(await readMark(store, scope, snapshot)).toMatchObject({ round: 2, pinned: true });
    await markSnapshot({ store, node, snapshot, change: (mark) => ({ ...mark, pinned: false }) });
    expect(await readMark(store, scope, snapshot)).toMatchObject({ round: 3, pinned: false });

    for (const state of ["retired", "active", "retired"] as const)
      await changeStanding(store, scope, () => ({ state }));
    store.objects.delete(names.standing(node, 1));
    expect((await readStanding(store, scope))?.state).toBe("retired");

    const expiry = { format: 1, ...scope, snapshot } as const;
    store.plant(names.expired(node, snapshot, 2), encodeExpired({ ...expiry, round: 2 }));
    store.plant(names.fate(node, snapshot, 2), encodeFate({ ...expiry, round: 2, fate: "collect" }));
    expect((await askStanding({ store, node, snapshot })).going).toBe(true);
  });
});

describe("tickets", () => {
  async function twoTickets() {
    const { world, store, node } = await worldOfOne();
    const signer = localTicketMac(Buffer.alloc(32, 7));
    const ask = { store, signer, node, kind: "restore", lastsMs: 86_400_000, now: world.now } as const;
    const [good, revoked] = [await issueTicket(ask), await issueTicket(ask)];
    await revokeTicket(store, revoked.ticket.tid, world.now);
    const present = makePresenter({
      store,
      nodes: async () => [node],
      sign: (name, ms) => ({ url: `https://vault.example/${name}`, expires: world.now + ms }),
      tickets: signer,
      clock: { now: () => world.now },
      audit: () => {},
    });
    const answerTo = async (text: string) =>
      (await present({ method: "GET", path: `/nodes/${node}`, query: "", authorization: `Bearer ${text}` })).status;
    return { world, store, node, ask, good, revoked, answerTo };
  }

  it("whose records are damaged, or another's, are warned of by whoever lists them", async () => {
    const { world, store, node, good, revoked } = await twoTickets();
    const warnings: string[] = [];
    const list = () => listTickets(store, node, world.now, { ...silent, warn: (text) => void warnings.push(text) });
    const name = names.issuedTicket(good.ticket.tid);
    store.plant(name, bytesOf(world, names.issuedTicket(revoked.ticket.tid)));
    expect((await list()).map(({ tid }) => tid)).toEqual([revoked.ticket.tid]);
    expect(warnings).toEqual([expect.stringContaining(name)]);
    store.plant(name, Buffer.from("{"));
    await list();
    expect(warnings[1]).toContain(`coldkeep ticket revoke ${good.ticket.tid}`);
  });

  it("are all refused where one bit of the list of revoked ones is another", async () => {
    const { world, store, good, revoked, answerTo } = await twoTickets();
    const list = Buffer.from(bytesOf(world, names.REVOKED_TICKETS)).toString();
    const { tid } = revoked.ticket;
    const other = `${tid.startsWith("A") ? "Q" : "A"}${tid.slice(1)}`;
    store.plant(names.REVOKED_TICKETS, Buffer.from(list.replace(tid, other)));
    expect([await answerTo(good.text), await answerTo(revoked.text)]).toEqual([503, 503]);
  });

  it("that were revoked do not come back by a list that was gone and is made anew", async () => {
    const { world, store, node, ask, good } = await twoTickets();
    store.objects.delete(names.REVOKED_TICKETS);
    const gone = { kind: "integrity", on: names.REVOKED_TICKETS };
    await expect(issueTicket(ask)).rejects.toMatchObject(gone);
    await expect(listTickets(store, node, world.now)).rejects.toMatchObject(gone);
    await expect(revokeTicket(store, good.ticket.tid, world.now)).rejects.toMatchObject(gone);
    expect(store.objects.has(names.REVOKED_TICKETS)).toBe(false);
  });
});
