import { existsSync } from "node:fs";
import { ColdkeepError, isColdkeepError, messageOf } from "../../vault/names/index.ts";
import { DEFAULT_CONFIG, loadNodes, type NodeSettings } from "../config/index.ts";
import { exitCodeOf } from "../exit-codes.ts";
import { profileNames } from "../profiles/index.ts";
import { counted, failureDocument } from "../report/index.ts";
import { lockNode, nodeFolder } from "../state/index.ts";
import type { Answer } from "./answer.ts";
import { controlOf } from "./control.ts";
import type { Call } from "./define.ts";
import { tellOutcome } from "./noticed.ts";
import { undoLeftBehind } from "./recover.ts";
import { pickNode } from "./session.ts";

/** What came of one node. */
interface Recovered {
  readonly node: string;
  /** In words; empty where nothing was left behind. */
  readonly did: readonly string[];
  readonly error: unknown;
}

/** `coldkeep recover`. One node's trouble keeps no other node down. */
export async function run(call: Call): Promise<Answer> {
  const config = loadNodes(call.flags.config ?? DEFAULT_CONFIG, profileNames());
  const nodes = call.flags.node === undefined ? config.nodes : [pickNode(config, call.flags.node)];
  const results: Recovered[] = [];
  for (const node of nodes) {
    call.io.signal.throwIfAborted();
    const result = await recoverOne(config.stateDir, node, call);
    results.push(result);
    await tellOutcome("recover", { ...call, flags: { ...call.flags, node: node.name } }, result.error);
  }
  const failed = results.filter(({ error }) => error !== null);
  const [only] = results;
  if (results.length === 1 && only !== undefined && only.error !== null) throw only.error;
  return {
    document: {
      ok: failed.length === 0,
      nodes: results.map(({ node, did, error }) => ({
        node,
        did,
        ...(error === null ? {} : failureDocument(error, exitCodeOf(error), false)),
      })),
    },
    text: results.map(textOf).join("\n"),
    ...(failed.length === 0 ? {} : { failure: failureOf(failed) }),
  };
}

async function recoverOne(stateDir: string, node: NodeSettings, call: Call): Promise<Recovered> {
  const label = `coldkeep recover --node ${node.name}`;
  try {
    // A host that never worked on the node has nothing to undo, and asking must not make it a state.
    if (!existsSync(nodeFolder(stateDir, node.name))) return { node: node.name, did: [], error: null };
    using _restoring = lockNode(stateDir, node.name, "restore", label);
    using _node = lockNode(stateDir, node.name, "node", label);
    const did = await undoLeftBehind({ config: { stateDir }, node }, controlOf(node), call, false);
    return { node: node.name, did, error: null };
  } catch (error) {
    call.io.signal.throwIfAborted();
    return { node: node.name, did: [], error };
  }
}

function textOf({ node, did, error }: Recovered): string {
  if (error !== null) return `${node}: ${messageOf(error)}`;
  if (did.length === 0) return `${node}: nothing was left behind`;
  return `${node}: ${did.join("; ")}`;
}

/** A node that may be down decides the exit code, whatever else went wrong. */
function failureOf(failed: readonly Recovered[]): ColdkeepError {
  const down = failed.find(({ error }) => isColdkeepError(error, "node-start"));
  const { error } = down ?? failed[0] ?? { error: null };
  return new ColdkeepError(isColdkeepError(error) ? error.kind : "internal", {
    what: `${counted(failed.length, "node")} could not be recovered`,
    on: failed.map(({ node }) => node).join(", "),
    todo: "see what is said of each above, then run it again",
    cause: error,
  });
}
