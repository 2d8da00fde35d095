import { openTree } from "../../../agent/browse/index.ts";
import {
  collectGarbage,
  listTickets,
  makePresenter,
  markSnapshot,
  readMark,
  readStanding,
  rebuildIndex,
  retainSnapshots,
} from "../../../keeper/index.ts";
import { parseGroupCard } from "../../../vault/card/index.ts";
import { isColdkeepError, messageOf, names, type SnapshotId, silent } from "../../../vault/names/index.ts";
import { readAll } from "./read-all.ts";
import { DAY, DESPITE, GRACE, type Records, TIERS } from "./records.ts";
import { askSideRecords } from "./side-records.ts";

/** What a vault says to all who ask it about its records, and what it does by them. */
export interface Answers {
  /** By question; what was thrown is under `said` as well. */
  readonly facts: ReadonlyMap<string, string>;
  /** Words of errors, warnings and remarks. */
  readonly said: readonly string[];
}

/**
 * Asks everything that a record has a say in. Retention and collection run as they do at night, after as many days as it
 * takes for what they may delete to go: call it on a store that is put back afterwards.
 */
export async function askAll(records: Records): Promise<Answers> {
  const { vault, mac } = records;
  const { store, node, other, clock, snapshots, others } = vault;
  const [first, second, third] = snapshots.map(({ snapshot }) => snapshot) as [SnapshotId, SnapshotId, SnapshotId];
  const scope = { vault: node.vault, node: node.name };
  const facts = new Map<string, string>();
  const said: string[] = [];
  const began = clock.now;

  async function ask(question: string, answer: () => Promise<string>): Promise<void> {
    try {
      facts.set(question, await answer());
    } catch (error) {
      if (!isColdkeepError(error) || error.kind === "internal") throw error;
      said.push(messageOf(error));
      facts.set(question, "refused");
    }
  }
  const read = async (snapshot: SnapshotId) => {
    const told = await readAll(vault, snapshot);
    said.push(...told);
    return told.length === 0 ? "whole" : "damaged";
  };
  const present = makePresenter({
    store,
    nodes: async () => [node.name],
    sign: (object, ms) => ({ url: `https://vault.example/${object}`, expires: clock.now + ms }),
    tickets: mac,
    clock: { now: () => clock.now },
    audit: () => {},
  });
  const status = async (text: string) => {
    const path = `/nodes/${node.name}/snapshots`;
    const { status: code, body } = await present({ method: "GET", path, query: "", authorization: `Bearer ${text}` });
    if (code !== 200) said.push(Buffer.from(body).toString());
    return String(code);
  };

  for (const [at, snapshot] of [first, second, third].entries()) await ask(`read ${at}`, () => read(snapshot));
  await ask("index", async () => {
    const { index } = await rebuildIndex({ store, node: node.name });
    for (const { remarks } of index.snapshots) said.push(...remarks);
    return index.snapshots
      .map(({ snapshot, state, pinned, tags }) => `${snapshot} ${state} ${pinned} ${tags}`)
      .join(", ");
  });
  await ask("mark", async () => {
    const mark = await readMark(store, scope, first);
    if (mark !== null && "unreadable" in mark) said.push(mark.unreadable);
    return mark === null ? "none" : "unreadable" in mark || mark.pinned ? "pinned" : "not pinned";
  });
  await ask("standing", async () => (await readStanding(store, { node: other.name }))?.state ?? "active");
  await ask("tickets", async () =>
    (await listTickets(store, node.name, clock.now, { ...silent, warn: (text) => void said.push(text) }))
      .map(({ tid, state, url }) => `${tid} ${state} ${url}`)
      .join(", "),
  );
  await ask("ticket that holds", () => status(records.valid));
  await ask("ticket that was revoked", () => status(records.revoked));
  await ask("group", async () => {
    const { group, id } = records.group;
    const card = await store.get(names.groupJson(group, id), { maxBytes: 64 << 10 });
    if (card === null) return "none";
    return parseGroupCard(card.bytes, { vault: node.vault, group, id })
      .members.map((member) => `${member.node}/${member.snapshot}`)
      .join(", ");
  });
  await ask("share", async () => {
    const opening = { store, vault: node.vault, node: node.name, snapshot: third, identities: [], progress: silent };
    await openTree({ ...opening, signal: new AbortController().signal, share: records.share });
    return "opens";
  });

  await askSideRecords(vault, records.scratch, ask);

  // The restore's pin holds two days longer than the grace of what it needs.
  clock.now = began + GRACE - 2 * DAY;
  await ask("collect", () => night());
  await ask("what a restore needs", () => read(second));
  clock.now = began + 40 * DAY;
  await ask("collect later", () => night());
  await ask("what an operator pinned", () => read(first));
  await ask("the newest", () => read(third));
  // His next word is heard as well.
  await ask("a further pin", async () => {
    await markSnapshot({ store, node: node.name, snapshot: third, change: (mark) => ({ ...mark, pinned: true }) });
    const mark = await readMark(store, scope, third);
    return mark !== null && ("unreadable" in mark || mark.pinned) ? "holds" : "is not there";
  });
  await ask("what a retired node has", async () => {
    const there = await Promise.all(others.map(({ snapshot }) => store.head(names.card(other.name, snapshot))));
    return there.includes(null) ? "gone" : "there";
  });
  clock.now = began;
  return { facts, said };

  async function night(): Promise<string> {
    const errors: unknown[] = [];
    const { now } = clock;
    for (const { name, vault: id } of [node, other]) {
      const job = { store, vault: id, node: name, apply: true, now } as const;
      try {
        await retainSnapshots({ ...job, tiers: TIERS, despite: DESPITE });
      } catch (error) {
        errors.push(error);
      }
      try {
        await collectGarbage({ ...job, grace: GRACE, despite: new Set(["clock"] as const) });
      } catch (error) {
        errors.push(error);
      }
    }
    for (const error of errors.slice(1)) said.push(messageOf(error));
    if (errors.length > 0) throw errors[0];
    return "done";
  }
}
