import { encodeNodeStanding, type NodeStanding, parseNodeStanding } from "../../vault/card/index.ts";
import { ColdkeepError, isColdkeepError, type NodeName, names, type VaultId } from "../../vault/names/index.ts";
import type { Creator, Reader } from "../../vault/store/facets.ts";
import { createRecord } from "../create.ts";
import { contended } from "../index-files.ts";
import { assertMayChange } from "../may-change.ts";
import { readObject } from "../read.ts";
import { lastRound } from "../rounds.ts";
import { MAX_BYTES } from "../rules.ts";

/** The last word on a node. `since` is its receipt; milliseconds since the epoch. */
type LastWord = NodeStanding & { readonly since: number };

/** What holds of a node that is no longer active. */
export type FoundStanding = LastWord & { readonly state: Exclude<NodeStanding["state"], "active"> };

/** A node is not retired and taken back this often; the bound ends a walk over planted records. */
const MAX_ROUNDS = 1000;
const ATTEMPTS = 16;

interface Scope {
  readonly node: NodeName;
  readonly vault?: VaultId;
}

/**
 * What holds of a node by the last word of an operator; null where it is active: nothing was said, or it was taken back.
 * @throws ColdkeepError `integrity` for a word that cannot be read: it may be that the node is kept for ever.
 */
export async function readStanding(store: Reader, scope: Scope): Promise<FoundStanding | null> {
  return standingBy(await lastWord(store, scope));
}

function standingBy(word: LastWord | null): FoundStanding | null {
  return word === null || word.state === "active" ? null : { ...word, state: word.state };
}

async function lastWord(store: Reader, scope: Scope): Promise<LastWord | null> {
  const { round } = await lastRound(store, (n) => names.standing(scope.node, n), MAX_ROUNDS);
  if (round === 0) return null;
  const name = names.standing(scope.node, round);
  const expected = { ...scope, round };
  const read = await readObject(store, name, MAX_BYTES.marker, (bytes) => parseNodeStanding(bytes, expected, name));
  if (read.found === "it") return { ...read.value, since: read.info.receivedAt };
  throw new ColdkeepError("integrity", {
    what: "cannot tell whether the node is retired",
    on: name,
    why: read.found === "malformed" ? read.why : "it was listed and is gone",
    todo: "put the file back from a copy of the vault, or remove it: then the word before it holds",
  });
}

/** The same for whoever only looks: null also where this user may not see it, as a host that only puts. */
export async function seeStanding(...of: Parameters<typeof readStanding>): Promise<FoundStanding | null> {
  try {
    return await readStanding(...of);
  } catch (error) {
    if (isColdkeepError(error, "permission")) return null;
    throw error;
  }
}

type Said = Pick<NodeStanding, "state" | "reason" | "renamed_to">;

/**
 * Puts a further word on a node.
 * @param change given what holds, what is to hold; null where nothing is to change. May throw. Null is given for active.
 * @throws ColdkeepError `busy` where others were faster each time; as `readStanding`.
 */
export async function changeStanding(
  store: Reader & Creator,
  scope: { readonly node: NodeName; readonly vault: VaultId },
  change: (before: FoundStanding | null) => Said | null,
): Promise<boolean> {
  await assertMayChange(store);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const before = await lastWord(store, scope);
    const said = change(standingBy(before));
    if (said === null) return false;
    const word: NodeStanding = { format: 1, ...scope, round: (before?.round ?? 0) + 1, ...said };
    const outcome = await createRecord(store, names.standing(scope.node, word.round), encodeNodeStanding(word));
    if (outcome.created || outcome.same) return true;
  }
  throw contended(names.standing(scope.node, 1));
}
