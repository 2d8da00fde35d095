import { randomBytes } from "node:crypto";
import { makeShare } from "../../../agent/share/index.ts";
import {
  changeStanding,
  issueTicket,
  markSnapshot,
  notePublished,
  pinForRestore,
  proveSnapshot,
  rebuildIndex,
  retainSnapshots,
  revokeTicket,
} from "../../../keeper/index.ts";
import {
  encodeBegin,
  encodeCard,
  encodeClearance,
  encodeDeletionPlan,
  encodeExpired,
  encodeFate,
  encodeGroupCard,
  encodeLocks,
  encodeOriginRecord,
  encodeVaultJson,
  publicKeyOf,
  signClosingCard,
  writerOf,
} from "../../../vault/card/index.ts";
import { makeSnapshotId, names, type SnapshotId, silent } from "../../../vault/names/index.ts";
import { hashed } from "../../../vault/store/hashed.ts";
import { localTicketMac, type TicketChecker } from "../../../vault/ticket/index.ts";
import type { Chance } from "../chance.ts";
import { addSideRecords } from "./side-records.ts";
import type { SmallVault } from "./vault.ts";

export const DAY = 86_400_000;
export const GRACE = 7 * DAY;
/** Whoever keeps one only: what stays beside the newest stays because a record says so. */
export const TIERS = { keep: { last: 1 }, within: {}, tags: [], timezone: "UTC", floor: 0, grace: GRACE } as const;
export const DESPITE = new Set(["share", "anomaly", "clock"] as const);
const GROUP = "all";

/** Whatever may be said of snapshots, nodes and tickets beside the snapshots themselves. */
export interface Records {
  readonly vault: SmallVault;
  /** A folder of this machine. */
  readonly scratch: string;
  /** Kinds as in the report, by the name of each record. */
  readonly kinds: ReadonlyMap<string, string>;
  readonly mac: TicketChecker;
  /** The text of a ticket that holds, and of one that was revoked. */
  readonly valid: string;
  readonly revoked: string;
  readonly share: { readonly tid: string; readonly key: Uint8Array };
  readonly group: { readonly group: string; readonly id: SnapshotId };
}

/**
 * Puts a record of every kind into a vault: of the first snapshot an operator's word that it stays, the second expired
 * and rescued, and then expired again while a restore needs it; the third proven and shared; runs that were closed; the
 * other node retired, taken back and retired.
 */
export async function addRecords(vault: SmallVault, chance: Chance, scratch: string): Promise<Records> {
  const { store, node, clock, snapshots, other, identities } = vault;
  const [first, second, third] = snapshots.map(({ snapshot }) => snapshot) as [SnapshotId, SnapshotId, SnapshotId];
  const scope = { vault: node.vault, node: node.name } as const;
  const kinds = new Map<string, string>();
  const note = (kind: string, name: string) => {
    if (!store.objects.has(name)) throw new Error(`there is no ${name}`);
    kinds.set(name, kind);
  };
  const plant = (kind: string, name: string, bytes: Uint8Array) => {
    store.plant(name, bytes);
    note(kind, name);
  };

  plant(
    "vault.json",
    names.VAULT_JSON,
    encodeVaultJson({ format: 1, created: clock.now, min_agent: "0.1.0", min_keeper: "0.1.0" }),
  );
  // As in a copy that was made an hour later.
  const begun = store.objects.get(names.begin(node.name, first))?.info.receivedAt ?? clock.now;
  const there = { begun: begun - 3_600_000, committed: begun - 3_000_000 };
  plant(
    "origin record",
    names.originRecord(node.name, first),
    encodeOriginRecord({ format: 1, ...scope, snapshot: first, ...there }),
  );

  await markSnapshot({ store, node: node.name, snapshot: first, change: () => ({ pinned: false, tags: ["a"] }) });
  await markSnapshot({ store, node: node.name, snapshot: first, change: () => ({ pinned: true, tags: ["a"] }) });
  for (const round of [1, 2]) note("mark", names.mark(node.name, first, round));

  const expiry = { format: 1, ...scope, snapshot: second } as const;
  for (const round of [1, 2]) {
    plant("expired", names.expired(node.name, second, round), encodeExpired({ ...expiry, round }));
    const fate = encodeFate({ ...expiry, round, fate: "rescued" });
    plant("fate", names.fate(node.name, second, round), fate);
  }
  plant("expired", names.expired(node.name, second, 3), encodeExpired({ ...expiry, round: 3 }));
  clock.now += 3 * DAY;
  await pinForRestore({ store, node: node.name, snapshot: second, now: clock.now, random: "restore" });
  note("pin", names.pin(node.name, second, "restore"));

  const seconds = 3;
  const proof = {
    format: 1,
    ...scope,
    snapshot: third,
    restored: clock.now,
    seconds,
    files: 1,
    bytes: 70_000,
  } as const;
  note("proof", await proveSnapshot({ store, proof: { ...proof, opened: true }, putOnly: true }));

  for (const [kind, by] of [
    ["closing card, adopted", third],
    ["closing card, given up", undefined],
  ] as const) {
    const dead = makeSnapshotId(clock.now, chance.bytes(8));
    const writer = writerOf(publicKeyOf(node.signingKey));
    store.plant(names.begin(node.name, dead), encodeBegin({ format: 1, ...scope, snapshot: dead, writer, adopts: [] }));
    store.plant(names.pack(node.name, dead, 0), chance.bytes(1000));
    const run = { ...scope, snapshot: dead };
    const closing =
      by === undefined
        ? ({ format: 1, state: "abandoned", ...run } as const)
        : signClosingCard({ ...run, by }, node.signingKey);
    plant(kind, names.card(node.name, dead), encodeCard(closing));
  }

  const clearance = encodeClearance({ format: 1, ...scope, reason: "all is well" });
  plant("clearance", names.clearance(node.name, "1"), clearance);
  const plan = encodeDeletionPlan({ format: 1, ...scope, objects: [] });
  plant("plan", names.plan(node.name, "0".repeat(64)), plan);
  plant("clock.json", names.clockJson(node.name), Buffer.from("{}"));
  const until = clock.now + DAY;
  const locked = [{ snapshot: third, until, packs: [[0, 0] as const], whole: true }];
  plant("locks.json", names.locksJson(node.name), encodeLocks({ format: 1, ...scope, ms: DAY, locked }));

  for (const state of ["retired", "active", "retired"] as const)
    await changeStanding(store, { node: other.name, vault: other.vault }, () => ({ state }));
  for (const round of [1, 2, 3]) note("standing", names.standing(other.name, round));

  const mac = localTicketMac(Buffer.alloc(32, 7));
  const ask = { store, signer: mac, node: node.name, kind: "restore", lastsMs: 90 * DAY, now: clock.now } as const;
  const [valid, revoked] = [await issueTicket(ask), await issueTicket(ask)];
  await revokeTicket(store, revoked.ticket.tid, clock.now);
  await notePublished(store, valid.ticket.tid, "https://example.org/a");
  note("list of revoked tickets", names.REVOKED_TICKETS);
  for (const { ticket } of [valid, revoked]) note("issued ticket", names.issuedTicket(ticket.tid));
  note("published share", names.published(valid.ticket.tid));

  const tid = randomBytes(16).toString("base64url");
  const opening = { store, vault: node.vault, node: node.name, snapshot: third, identities, progress: silent };
  const signal = new AbortController().signal;
  const made = await makeShare({ ...opening, signal, tid, includeSecrets: true });
  await store.create(made.object, hashed(made.bytes));
  note("share", made.object);

  const id = makeSnapshotId(clock.now, chance.bytes(8));
  const [foreign] = vault.others;
  if (foreign === undefined) throw new Error("the other node has no snapshot");
  const member = { profile: "files", captured: clock.now };
  const members = [
    { ...member, node: node.name, snapshot: third },
    { ...member, node: other.name, snapshot: foreign.snapshot },
  ];
  const card = encodeGroupCard({ format: 1, vault: node.vault, group: GROUP, id, together: true, members });
  plant("group card", names.groupJson(GROUP, id), card);

  for (const one of [node, other]) await rebuildIndex({ store, node: one.name });
  // What it finds to do by now is none: the third is the newest, and all else is held by a word.
  const now = clock.now;
  await retainSnapshots({ store, node: node.name, tiers: TIERS, apply: true, now, despite: DESPITE });
  await addSideRecords(vault, scratch, note);
  return {
    ...{ vault, scratch, kinds, mac, valid: valid.text, revoked: revoked.text },
    share: { tid, key: made.key },
    group: { group: GROUP, id },
  };
}
