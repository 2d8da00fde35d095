import { existsSync } from "node:fs";
import { changeStanding } from "../../keeper/index.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { nodeFolder, openNodeState } from "../state/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import type { NodeRetireFlags } from "./node-retire.command.ts";
import { openOneVault } from "./opened.ts";
import { openSession, pickVault, type Session, vaultIdOf } from "./session.ts";

const MAX_REASON = 255;
/** Backups of a retired node are paused until then, which is for ever. */
const FOR_EVER = Date.UTC(9999, 11, 31);

/** `coldkeep node retire`. */
export async function run(call: Call<NodeRetireFlags>): Promise<Answer> {
  const { reason, undo } = call.flags;
  if (reason !== undefined && reason.length > MAX_REASON) {
    throw new ColdkeepError("usage", {
      what: "the reason is too long",
      why: `at most ${MAX_REASON} characters are kept`,
    });
  }
  const session = openSession(call);
  const { config, node } = session;
  const settings = pickVault(config, call.flags.vault);
  const store = await openOneVault(settings, call, "write");
  const scope = { node: node.name, vault: vaultIdOf(config) };
  if (undo === true) {
    const changed = await changeStanding(store, scope, (before) => {
      if (before === null) return null;
      if (before.state === "retired") return { state: "active" };
      throw new ColdkeepError("refused", { what: "what is deleted does not come back", on: node.name });
    });
    pauseHere(session, null);
    const text = changed ? `${node.name} in ${settings.name} is backed up and expires again.` : "It was not retired.";
    return { document: { node: node.name, vault: settings.name, state: "active", changed }, text };
  }
  const changed = await changeStanding(store, scope, (before) =>
    before === null ? { state: "retired", ...(reason === undefined ? {} : { reason }) } : null,
  );
  pauseHere(session, reason ?? "retired");
  const others = config.vaults.filter(({ name }) => name !== settings.name).map(({ name }) => name);
  const more = others.length === 0 ? "" : ` The same is not said yet of ${others.join(", ")}: --vault names one.`;
  return {
    document: { node: node.name, vault: settings.name, state: "retired", changed },
    text: `${node.name} is retired in ${settings.name}: its snapshots stay, and nobody waits for new ones. \`coldkeep node retire --undo\` takes that back; \`coldkeep node delete\` deletes it.${more}`,
  };
}

/** Where this host makes its backups. */
function pauseHere({ config, node }: Session, reason: string | null): void {
  if (!existsSync(nodeFolder(config.stateDir, node.name))) return;
  const state = openNodeState(config.stateDir, node.name);
  if (reason === null) state.resume();
  else state.pause({ until: FOR_EVER, reason });
}
