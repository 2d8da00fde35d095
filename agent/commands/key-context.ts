import { hash } from "node:crypto";
import { join } from "node:path";
import { ColdkeepError, isColdkeepError, type NodeName } from "../../vault/names/index.ts";
import type { Config, NodeSettings } from "../config/index.ts";
import { type LoadedKey, loadKey, makeStretch } from "../keys/index.ts";
import { type KeyChange, type RekeyOutcome, rekeyNode } from "../rekey/index.ts";
import { counted, table } from "../report/index.ts";
import { openNodeState } from "../state/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import type { IdentityFlags } from "./identity-flag.ts";
import { assertStrict, contextOf, loadOpeners, openVault, pinnedKeyOf, suiteOf, withoutConsuming } from "./opened.ts";
import { pickNode, readConfig, scopeOf } from "./session.ts";

/** The nodes a key command is about: the one named, else all of the configuration. */
export function keyNodes(call: Call): { readonly config: Config; readonly nodes: readonly NodeSettings[] } {
  const config = withoutConsuming(readConfig(call));
  return { config, nodes: call.flags.node === undefined ? config.nodes : [pickNode(config, call.flags.node)] };
}

/** The public stretching parameters of this host's software keys for a node; a host without its state makes some. */
function stretchesOf(config: Config, node: NodeName) {
  const suite = suiteOf(config);
  const made = new Map<string, ReturnType<typeof makeStretch>>();
  return (label: string) => {
    try {
      return openNodeState(config.stateDir, node).stretch(label, suite, () => makeStretch(suite));
    } catch (error) {
      if (!isColdkeepError(error, "not-found")) throw error;
      const found = made.get(label) ?? makeStretch(suite);
      made.set(label, found);
      return found;
    }
  };
}

type LabelledRecipient = ReturnType<LoadedKey["toRecipient"]>;

/** What is to lose its slots. */
export interface Going {
  /** Names it in messages. */
  readonly label: string;
  readonly owns: KeyChange["removes"];
  /** It opens the files as they are, and proves nothing about the new ones. Left out where only a label is known. */
  readonly key?: LoadedKey;
}

export interface Rekeying {
  /** Recipients that every key file gets. */
  readonly add: readonly LoadedKey[];
  readonly going: readonly Going[];
}

/** Rewrites the key files of all nodes asked for, and tells of each. */
export async function rekeyAll(call: Call<IdentityFlags>, change: Rekeying): Promise<Answer> {
  const { config, nodes } = keyNodes(call);
  const store = await openVault(config, call, "write");
  const stay = await loadOpeners(config, call, call.flags.identity).catch((error: unknown) => {
    if (change.going.some(({ key }) => key !== undefined) && isColdkeepError(error, "key")) return [];
    throw error;
  });
  const leaving = change.going.flatMap(({ key }) => (key?.identity == null ? [] : [key.identity]));
  const added = change.add.flatMap(({ identity }) => (identity === null ? [] : [identity]));
  const fitting = new Set<Going>();
  const removes: KeyChange["removes"] = async (slot, scope) => {
    for (const one of change.going) {
      if (!(await one.owns(slot, scope))) continue;
      fitting.add(one);
      return true;
    }
    return false;
  };
  const all: NodeOutcomes[] = [];
  const recipients: LabelledRecipient[] = [];
  try {
    for (const node of nodes) all.push(await rekeyOf(node));
  } finally {
    for (const one of [...stay, ...leaving, ...added, ...recipients]) one.forget?.();
    for (const key of [...change.add, ...change.going.flatMap(({ key }) => key ?? [])]) key.forget?.();
  }
  return answerOf(
    all,
    change.going.filter((one) => !fitting.has(one)),
  );

  async function rekeyOf(node: NodeSettings): Promise<NodeOutcomes> {
    const stretch = stretchesOf(config, node.name);
    const pinnedKey = pinnedKeyOf({ config, node });
    const add = change.add.map((key) => key.toRecipient(stretch));
    recipients.push(...add);
    const outcomes = await rekeyNode({
      store,
      ...scopeOf(config, node.name),
      change: { add, removes },
      identities: [...stay, ...leaving],
      proof: [...stay, ...added],
      ...(pinnedKey === undefined ? {} : { pinnedKey }),
      // A vault of its own each: what was kept of one is put back into no other.
      keepFolder: keptKeyFiles(config, node, store),
      now: call.io.clock.now(),
      progress: call.progress,
      signal: call.io.signal,
    });
    return { node: node.name, outcomes };
  }
}

/** Where a rotation keeps the key files that it is about to replace. */
export function keptKeyFiles(
  { stateDir }: Pick<Config, "stateDir">,
  { name }: Pick<NodeSettings, "name">,
  { url }: { readonly url: string },
): string {
  return join(stateDir, name, "old-key-files", hash("sha256", url).slice(0, 16));
}

interface NodeOutcomes {
  readonly node: string;
  readonly outcomes: readonly RekeyOutcome[];
}

function answerOf(all: readonly NodeOutcomes[], unfit: readonly Going[]): Answer {
  const rows = all.flatMap(({ node, outcomes }) => outcomes.map((outcome) => ({ node, ...outcome })));
  const failed = rows.filter(({ outcome }) => outcome === "failed");
  const count = (what: RekeyOutcome["outcome"]) => rows.filter(({ outcome }) => outcome === what).length;
  const text =
    rows.length === 0
      ? "There are no snapshots yet."
      : table(
          [{ title: "NODE" }, { title: "SNAPSHOT" }, { title: "OUTCOME" }, { title: "ADDED" }, { title: "REMOVED" }],
          rows.map((row) => [
            row.node,
            row.snapshot,
            row.why ?? row.outcome,
            row.added.join(", "),
            row.removed.join(", "),
          ]),
        );
  const sum = `${counted(count("rewritten"), "key file")} rewritten, ${count("as it was")} as they should be, ${failed.length} failed.`;
  const [first] = failed;
  const failure = first === undefined ? fitsNothing(unfit, rows) : notRewritten(failed.length, first);
  return {
    document: { nodes: all, rewritten: count("rewritten"), unchanged: count("as it was"), failed: failed.length },
    text: `${text}\n\n${sum}`,
    ...(failure === null ? {} : { failure }),
  };
}

function notRewritten(count: number, first: RekeyOutcome): ColdkeepError {
  return new ColdkeepError("key", {
    what: `${counted(count, "key file")} could not be rewritten`,
    on: first.snapshot,
    ...(first.why === undefined ? {} : { why: first.why }),
    todo: "mend that and run the same command again: what is done stays done",
  });
}

/**
 * A key that was to go and fits no slot may be the wrong one, and then the right one still opens everything. Null where
 * nobody else is left whom it could have been: an earlier run took its slots.
 */
function fitsNothing([one]: readonly Going[], rows: readonly RekeyOutcome[]): ColdkeepError | null {
  const left = [...new Set(rows.flatMap(({ others }) => others))];
  if (one === undefined || left.length === 0) return null;
  return new ColdkeepError("key", {
    what: "no snapshot has a slot of the key that is to go",
    on: one.label,
    why: `it may be another key than was meant, or an earlier run has taken its slots; slots of others there are: ${left.slice(0, 8).join(", ")}${left.length > 8 ? " and more" : ""}`,
    todo: "compare with `coldkeep key list`; `coldkeep key remove` takes a slot by its label",
  });
}

/** Reads the keys that a key command gives every key file. @throws ColdkeepError as `loadOne`; `config` under strict_sm. */
export async function loadAdded(call: Call, config: Config, settings: Config["keys"]): Promise<LoadedKey[]> {
  const keys = await Promise.all(settings.map((setting) => loadOne(call, config, setting)));
  assertStrict(config, keys);
  return keys;
}

/** Reads one key for a key command. */
export function loadOne(call: Call, config: Config, setting: Config["keys"][number]): Promise<LoadedKey> {
  return loadKey(setting, contextOf(config, call));
}

/** For recipients of keys that are no text: only software keys are stretched. */
export function noStretch(): never {
  throw new RangeError("only software keys are stretched");
}

/** A key that is to go. */
export function goingKey(key: LoadedKey): Going {
  return { label: key.label, owns: ownerOf(key), key };
}

/** Whether a slot is this key's: the public half knows by the label, all others by opening it. */
function ownerOf(key: LoadedKey): KeyChange["removes"] {
  return async (slot, scope) => {
    if (key.identity !== null) {
      if (key.identity.type !== slot.type) return false;
      // One that could not be asked is no answer: who owns the slot is not known then, and it must not pass for another's.
      const sk = await key.identity.unwrap(slot, scope);
      sk?.fill(0);
      return sk !== null;
    }
    const recipient = key.toRecipient(noStretch);
    return recipient.type === slot.type && (await recipient.kid(scope.suite)) === slot.kid;
  };
}
