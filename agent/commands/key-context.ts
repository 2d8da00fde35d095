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

type Slot = Parameters<KeyChange["removes"]>[0];

export interface Rekeying {
  /** Recipients that every key file gets. */
  readonly add: readonly LoadedKey[];
  readonly removes: KeyChange["removes"];
  /** Keys that are removed: they open the files as they are, and prove nothing about the new ones. */
  readonly leaving: readonly LoadedKey[];
}

/** Rewrites the key files of all nodes asked for, and tells of each. */
export async function rekeyAll(call: Call<IdentityFlags>, change: Rekeying): Promise<Answer> {
  const { config, nodes } = keyNodes(call);
  const store = await openVault(config, call, "write");
  const stay = await loadOpeners(config, call, call.flags.identity).catch((error: unknown) => {
    if (change.leaving.length > 0 && isColdkeepError(error, "key")) return [];
    throw error;
  });
  const leaving = change.leaving.flatMap(({ identity }) => (identity === null ? [] : [identity]));
  const added = change.add.flatMap(({ identity }) => (identity === null ? [] : [identity]));
  const all: { readonly node: string; readonly outcomes: readonly RekeyOutcome[] }[] = [];
  for (const node of nodes) {
    const stretch = stretchesOf(config, node.name);
    const pinnedKey = pinnedKeyOf({ config, node });
    const outcomes = await rekeyNode({
      store,
      ...scopeOf(config, node.name),
      change: { add: change.add.map((key) => key.toRecipient(stretch)), removes: change.removes },
      identities: [...stay, ...leaving],
      proof: [...stay, ...added],
      ...(pinnedKey === undefined ? {} : { pinnedKey }),
      // A vault of its own each: what was kept of one is put back into no other.
      keepFolder: join(config.stateDir, node.name, "old-key-files", hash("sha256", store.url).slice(0, 16)),
      now: call.io.clock.now(),
      progress: call.progress,
      signal: call.io.signal,
    });
    all.push({ node: node.name, outcomes });
  }
  return answerOf(all);
}

function answerOf(all: readonly { readonly node: string; readonly outcomes: readonly RekeyOutcome[] }[]): Answer {
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
  return {
    document: { nodes: all, rewritten: count("rewritten"), unchanged: count("as it was"), failed: failed.length },
    text: `${text}\n\n${sum}`,
    ...(first === undefined
      ? {}
      : {
          failure: new ColdkeepError("key", {
            what: `${counted(failed.length, "key file")} could not be rewritten`,
            on: first.snapshot,
            ...(first.why === undefined ? {} : { why: first.why }),
            todo: "mend that and run the same command again: what is done stays done",
          }),
        }),
  };
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

/** Whether a slot is this key's: the public half knows by the label, all others by opening it. */
export function ownerOf(key: LoadedKey): (slot: Slot, scope: Parameters<KeyChange["removes"]>[1]) => Promise<boolean> {
  const noStretch = () => {
    throw new RangeError("a key without a private half is not stretched");
  };
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
