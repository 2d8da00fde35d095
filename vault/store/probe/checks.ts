import { isColdkeepError } from "../../names/index.ts";
import type { CreateOutcome, ObjectInfo, ReplaceOutcome } from "../facets.ts";
import { hashed } from "../hashed.ts";
import { BrokenGuarantee, type ProbeContext, type StoreCheck } from "./types.ts";

/** How many at once ask for one name. */
const RIVALS = 8;
const RACES = 3;
const SIZE = 100_000;
/** Clocks that differ by more than this make ids odd and S3 refuse requests soon. */
const CLOCK_SLACK_MS = 5 * 60_000;

/**
 * The guarantees that coldkeep stands on, each with a way to see it on any store: for `doctor --store` on the user's own,
 * and for the conformance suite on ours. Each uses names of its own, so they may run in any order.
 */
export const STORE_CHECKS: readonly StoreCheck[] = [
  {
    name: "create-only",
    guarantee: "a name that is taken is never overwritten",
    otherwise: "nothing keeps a broken or hostile host from overwriting snapshots: do not use it as a vault",
    weight: "needed",
    async see(context) {
      const name = context.name("create-only");
      await create(context, name, "first");
      const other = await create(context, name, "other");
      assert(!other.created, "a second create under the same name was taken");
      assert(other.created || !other.same, "other bytes were called the same");
      const again = await create(context, name, "first");
      assert(!again.created && again.same, "the very bytes that are there were not told to be the same");
      assert((await textOf(context, name)) === "first", "the first bytes are not there any more");
      return "a second create was refused, and its own bytes were recognised";
    },
  },
  {
    name: "one winner",
    guarantee: "of creates of one name at the same time exactly one wins",
    otherwise: "two hosts that write as one node are not told apart in time: let only one write",
    weight: "needed",
    async see(context) {
      for (let race = 0; race < RACES; race += 1) {
        const name = context.name(`race-${race}`);
        const outcomes = await atOnce((i) => create(context, name, `rival ${i}`));
        const winners = outcomes.flatMap((outcome, i) => (outcome.created ? [i] : []));
        assert(winners.length === 1, `${winners.length} of ${RIVALS} were told that they won`);
        assert((await textOf(context, name)) === `rival ${winners[0]}`, "another's bytes are there than the winner's");
      }
      return `one of ${RIVALS}, ${RACES} times`;
    },
  },
  {
    name: "compare-and-swap",
    guarantee: "an object is replaced only where it is still the version that was read",
    otherwise: "lists of snapshots may lose entries when two write at once; `coldkeep rebuild` mends them",
    weight: "needed",
    async see(context) {
      const name = context.name("swap");
      const first = await replace(context, name, "1", null);
      assert(first.replaced, "an absent object was not put");
      if (!first.replaced) return "";
      assert(!(await replace(context, name, "x", null)).replaced, "an object was put over one that should be absent");
      const second = await replace(context, name, "2", first.info.etag);
      assert(second.replaced, "the version that was named was not replaced");
      if (!second.replaced) return "";
      const stale = await replace(context, name, "x", first.info.etag);
      assert(!stale.replaced, "a version that is not there any more was replaced");
      const rivals = await atOnce((i) => replace(context, name, `rival ${i}`, second.info.etag));
      const winners = rivals.flatMap((outcome, i) => (outcome.replaced ? [i] : []));
      assert(winners.length === 1, `${winners.length} of ${RIVALS} were told that they replaced the same version`);
      assert((await textOf(context, name)) === `rival ${winners[0]}`, "another's bytes are there than the winner's");
      return `stale versions were refused, and of ${RIVALS} at once one won`;
    },
  },
  {
    name: "read after write",
    guarantee: "what was put is seen by every read after it",
    otherwise: "snapshots may be missing from lists for a while, and checks may find damage that is none",
    weight: "needed",
    async see(context) {
      for (let i = 0; i < RACES; i += 1) {
        const name = context.name(`fresh-${i}`);
        assert((await context.store.head(name)) === null, "something is said to be there that is not");
        await create(context, name, `fresh ${i}`);
        assert((await context.store.head(name)) !== null, "a fresh object is said to be absent");
        assert((await textOf(context, name)) === `fresh ${i}`, "a fresh object reads otherwise");
        const found = await context.store.head(name);
        const swapped = await replace(context, name, "later", found?.etag ?? null);
        assert(swapped.replaced && (await textOf(context, name)) === "later", "an old version was read");
      }
      return `${RACES} times, fresh and replaced`;
    },
  },
  {
    name: "absence",
    guarantee: "an object that is not there is told to be absent",
    otherwise: "coldkeep cannot tell a missing object from one it may not read; on S3 this takes s3:ListBucket",
    weight: "needed",
    async see(context) {
      for (const read of [
        () => context.store.head(context.name("absent")),
        () => context.store.get(context.name("absent")),
        () => context.store.getRange(context.name("absent"), 0, 1),
      ]) {
        assert((await read()) === null, "something is read where nothing was put");
      }
      return "by head, get and range";
    },
  },
  {
    name: "ranges",
    guarantee: "any part of an object is read exactly, and none beyond its end",
    otherwise: "restores cannot fetch single files",
    weight: "needed",
    async see(context) {
      const name = context.name("ranges");
      const bytes = pattern();
      await create(context, name, bytes);
      for (const [offset, length] of [
        [0, SIZE],
        [1, 1],
        [SIZE - 7, 7],
        [40_000, 12_345],
      ] as const) {
        const part = await context.store.getRange(name, offset, length);
        const same = part !== null && Buffer.compare(part, bytes.subarray(offset, offset + length)) === 0;
        assert(same, `${length} bytes from ${offset} are others than were put there`);
      }
      try {
        await context.store.getRange(name, SIZE - 1, 2);
      } catch (error) {
        if (isColdkeepError(error, "integrity")) return "at the beginning, in the middle, at the end";
        throw error;
      }
      throw new BrokenGuarantee("a part beyond the end was read");
    },
  },
  {
    name: "list",
    guarantee: "a list tells every name under a prefix, in the order of its bytes",
    otherwise: "`rebuild`, `gc` and `copy` do not see all there is; backups and restores do without lists",
    weight: "useful",
    async see(context) {
      const leaves = ["list/b", "list/a-b", "list/a/c", "list/a.b", "list/B", "list/a0"];
      for (const leaf of leaves) await create(context, context.name(leaf), leaf);
      const wanted = leaves.map((leaf) => context.name(leaf)).sort();
      const found: string[] = [];
      for await (const { name } of context.store.list(context.name("list/"))) found.push(name);
      assert(found.join() === wanted.join(), `it tells ${found.length} of ${wanted.length} names, or in another order`);
      return `${found.length} names, in order`;
    },
  },
  {
    name: "clock",
    guarantee: "the store tells when it received an object, and its clock is near this host's",
    otherwise: "snapshots are named by this host's clock and ordered by the store's: set the one that is wrong",
    weight: "useful",
    async see(context) {
      const before = context.now();
      const outcome = await create(context, context.name("clock"), "tick");
      const { receivedAt } = outcome.created ? outcome.receipt.info : outcome.info;
      const after = context.now();
      // Stores may tell whole seconds only.
      const behind = Math.max(0, before - 1000 - receivedAt);
      const ahead = Math.max(0, receivedAt - after);
      const apart = Math.max(behind, ahead);
      const words = `${Math.round(apart / 1000)} s ${behind > 0 ? "behind" : "ahead of"} this host's`;
      assert(apart <= CLOCK_SLACK_MS, `its clock is ${words}`);
      return apart === 0 ? "as this host's" : `its clock is ${words}`;
    },
  },
  {
    name: "versions",
    guarantee: "the store keeps older versions of an object",
    otherwise: "whoever may write to the store itself can destroy what is there; a second vault elsewhere helps",
    weight: "extra",
    async see(context) {
      const outcome = await create(context, context.name("versions"), "v");
      const info = outcome.created ? outcome.receipt.info : outcome.info;
      assert(info.version !== undefined, "it names no versions");
      return `it names them, such as ${info.version?.slice(0, 16)}`;
    },
  },
];

function assert(holds: boolean, otherwise: string): void {
  if (!holds) throw new BrokenGuarantee(otherwise);
}

async function create(context: ProbeContext, name: string, content: string | Uint8Array): Promise<CreateOutcome> {
  const outcome = await context.store.create(name, hashed(Buffer.from(content)));
  if (outcome.created) context.made(name, outcome.receipt.info);
  return outcome;
}

async function replace(
  context: ProbeContext,
  name: string,
  content: string,
  expected: ObjectInfo["etag"] | null,
): Promise<ReplaceOutcome> {
  const outcome = await context.store.replace(name, Buffer.from(content), expected);
  if (outcome.replaced) context.made(name, outcome.info);
  return outcome;
}

async function textOf({ store }: ProbeContext, name: string): Promise<string | null> {
  const object = await store.get(name);
  return object === null ? null : Buffer.from(object.bytes).toString();
}

function atOnce<T>(one: (i: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: RIVALS }, (_, i) => one(i)));
}

/** Bytes no two neighbours of which are told apart by their place alone. */
function pattern(): Buffer {
  return Buffer.from(Array.from({ length: SIZE }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
}
