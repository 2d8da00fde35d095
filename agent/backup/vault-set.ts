import { isColdkeepError } from "../../vault/names/index.ts";
import type { Creator, HashedBytes, Reader } from "../../vault/store/index.ts";
import { foreignObject, type PutOptions, type PutOutcome, putNew } from "./put.ts";

/** One of the vaults that a backup feeds. */
export interface VaultMember {
  /** As the configuration calls it. */
  readonly name: string;
  readonly store: Reader & Creator;
}

/** A vault that does not get the snapshot, and why. */
export interface LostVault {
  readonly name: string;
  readonly error: unknown;
}

/**
 * The vaults of one run. What is sealed once is put to each; a vault that fails is left out of the rest of the run and
 * harms none of the others. The run goes on while one is left; the last one's error ends it.
 */
export interface VaultSet<Member extends VaultMember = VaultMember> {
  /** Those that took part in everything so far; at least one. */
  readonly live: readonly Member[];
  readonly lost: readonly LostVault[];
  /** @throws `error` where no other vault is left. */
  drop(name: string, error: unknown): void;
  /** Does the same in each live vault, side by side. @throws what the last one failed with. */
  each<T>(act: (member: Member) => Promise<T>): Promise<readonly MemberResult<Member, T>[]>;
  /** Puts to each, side by side; `put: false` where the name holds other bytes in all of them. */
  put(name: string, body: HashedBytes, o: PutOptions): Promise<PutOutcome>;
  /** Puts to one after the other, up to the first where the name holds other bytes. True where all have these. */
  putToAll(name: string, body: HashedBytes, o: PutOptions): Promise<boolean>;
}

export interface MemberResult<Member, T> {
  readonly member: Member;
  readonly value: T;
}

/** @param o.onLost is told of each vault that is left out, at once. */
export function makeVaultSet<Member extends VaultMember>(
  members: readonly Member[],
  o: { readonly signal?: AbortSignal; readonly onLost?: (lost: LostVault) => void } = {},
): VaultSet<Member> {
  let live = [...members];
  const lost: LostVault[] = [];

  function drop(name: string, error: unknown): void {
    if (!live.some((member) => member.name === name)) return;
    // An abort ends the run; it is no vault's fault.
    if (live.length === 1 || (o.signal?.aborted === true && !isColdkeepError(error))) throw error;
    live = live.filter((member) => member.name !== name);
    lost.push({ name, error });
    o.onLost?.({ name, error });
  }

  async function each<T>(act: (member: Member) => Promise<T>): Promise<readonly MemberResult<Member, T>[]> {
    const asked = live;
    const settled = await Promise.allSettled(asked.map(act));
    const results: MemberResult<Member, T>[] = [];
    for (const [i, member] of asked.entries()) {
      const one = settled[i];
      if (one?.status === "fulfilled") results.push({ member, value: one.value });
      else drop(member.name, one?.reason);
    }
    return results.filter(({ member }) => live.includes(member));
  }

  return {
    get live() {
      return live;
    },
    lost,
    drop,
    each,
    async put(name, body, options) {
      const results = await each(({ store }) => putNew(store, name, body, options));
      const taken = results.filter(({ value }) => !value.put);
      if (taken.length === results.length) return { put: false };
      for (const { member } of taken) drop(member.name, foreignObject(name));
      return { put: true, size: body.bytes.length };
    },
    async putToAll(name, body, options) {
      for (const { name: member, store } of live) {
        try {
          if (!(await putNew(store, name, body, options)).put) return false;
        } catch (error) {
          drop(member, error);
        }
      }
      return true;
    },
  };
}
