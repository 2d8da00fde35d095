import { counted, facts, stylesFor } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import { type Check, checksText, firstFailure } from "./check.ts";
import type { Call } from "./define.ts";
import { checkSession } from "./doctor.ts";
import type { InitFlags } from "./init.command.ts";
import { type Prepared, prepareNode } from "./init-prepare.ts";
import { pickNode, readConfig, vaultIdOf } from "./session.ts";

/** `coldkeep init` with a configuration that is there: prepares its nodes, or the one named, and changes no file of it. */
export async function initExisting(call: Call<InitFlags>): Promise<Answer> {
  const config = readConfig(call);
  const { vaults, stateDir } = config;
  const vaultId = vaultIdOf(config);
  const nodes = call.flags.node === undefined ? config.nodes : [pickNode(config, call.flags.node)];
  const done: { readonly node: string; readonly prepared: Prepared; readonly checks: readonly Check[] }[] = [];
  for (const node of nodes) {
    const prepared = await prepareNode({ vaults, stateDir, node: node.name, profile: node.profile, vaultId }, call);
    done.push({ node: node.name, prepared, checks: await checkSession({ config, node }, call) });
  }
  const failure = firstFailure(done.flatMap(({ checks }) => checks));
  const parts = done.map(
    ({ node, prepared, checks }) =>
      `${facts([
        ["node", node],
        ["state", prepared.stateFolder],
        ["card key", `${prepared.cardKey}: it signs this host's snapshots; its fingerprint is ${prepared.fingerprint}`],
      ])}\n\n${checksText(checks, stylesFor(call.io.stdout, call.io.env))}`,
  );
  return {
    document: {
      config: config.path,
      vault_id: vaultId,
      nodes: done.map(({ node, prepared, checks }) => ({
        node,
        vaults: prepared.vaults,
        state_dir: prepared.stateFolder,
        card_key: prepared.cardKey,
        fingerprint: prepared.fingerprint,
        checks,
      })),
    },
    text: [...parts, `${counted(done.length, "node")} of ${config.path} prepared.`].join("\n\n"),
    ...(failure === null ? {} : { failure }),
  };
}
