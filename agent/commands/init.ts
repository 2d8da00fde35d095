import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { rebuildIndex } from "../../keeper/index.ts";
import { parseNodeJson } from "../../vault/card/index.ts";
import { makeVaultId, type NodeName, names, type VaultId } from "../../vault/names/index.ts";
import { openStore, type Store } from "../../vault/store/index.ts";
import { claimNode, initVault } from "../backup/index.ts";
import {
  assertNoConfig,
  DEFAULT_CONFIG,
  loadConfig,
  type NewConfig,
  parseConfig,
  renderConfig,
  writeNewConfig,
} from "../config/index.ts";
import { generateKeyFile, loadKeySource } from "../keys/index.ts";
import { profileNames } from "../profiles/index.ts";
import { facts, stylesFor } from "../report/index.ts";
import { initNodeState, type NodeState } from "../state/index.ts";
import type { Answer } from "./answer.ts";
import { checksText } from "./check.ts";
import type { Call } from "./define.ts";
import { checkSession } from "./doctor.ts";
import type { InitFlags } from "./init.command.ts";
import { completeAnswers } from "./init-questions.ts";
import { heightSettings, serviceSettings } from "./init-service.ts";

/**
 * `coldkeep init`. Everything is checked before anything is made, and the configuration comes last: a run that was cut
 * off is simply run again.
 */
export async function run(call: Call<InitFlags>): Promise<Answer> {
  const { flags, io } = call;
  const path = resolve(flags.config ?? DEFAULT_CONFIG);
  assertNoConfig(path);
  const given = await completeAnswers(flags, io, profileNames());
  const height = await heightSettings(given, io.signal);
  const keyFile = resolve(given.keyFile ?? join(dirname(path), "coldkeep.key"));
  const settings: Omit<NewConfig, "vaultId"> = {
    vault: /^[a-z][a-z0-9+.-]*:/i.test(given.vault) ? given.vault : pathToFileURL(resolve(given.vault)).href,
    stateDir: resolve(given.stateDir ?? "/var/lib/coldkeep"),
    keyFile,
    node: given.node,
    profile: given.profile,
    roots: given.roots,
    service: serviceSettings(given),
    ...(given.healthUrl === undefined ? {} : { health: { url: given.healthUrl, ok: [200] } }),
    ...(height === null ? {} : { height }),
  };
  // What would not be read back must not be written, and nothing made for it.
  parseConfig(renderConfig({ ...settings, vaultId: makeVaultId(new Uint8Array(16)) }), path, profileNames());

  const madeKey = !existsSync(keyFile);
  if (madeKey) generateKeyFile(keyFile);
  else await loadKeySource(keyFile, { suite: "aes-256-gcm", field: "--key-file" });
  const { state } = initNodeState(settings.stateDir, given.node);
  const store = await openStore(settings.vault, { create: true });
  await initVault({ store, now: io.clock.now() });
  const vaultId = await claim(store, state, settings, io.clock.now());
  writeNewConfig(path, renderConfig({ ...settings, vaultId }));

  const config = loadConfig(path, profileNames());
  const node = config.nodes[0];
  const checks = node === undefined ? [] : await checkSession({ config, node }, call);
  const fingerprint = fingerprintOf(state.publicKey);
  const document = {
    config: path,
    vault: store.url,
    vault_id: vaultId,
    node: given.node,
    key_file: keyFile,
    key_made: madeKey,
    state_dir: state.folder,
    card_key: state.publicKey,
    fingerprint,
    checks,
  };
  const done = facts([
    ["config", path],
    ["vault", store.url],
    ["key", madeKey ? `${keyFile}, new: KEEP A COPY OF IT SOMEWHERE ELSE` : keyFile],
    ["state", state.folder],
    ["card key", `${state.publicKey} (fingerprint ${fingerprint})`],
  ]);
  const flag = path === DEFAULT_CONFIG ? "" : ` --config ${path}`;
  const failed = checks.some(({ status }) => status === "fail");
  const next = failed ? `Next: mend what is marked FAIL, then: coldkeep doctor${flag}` : `Next: coldkeep backup${flag}`;
  return { document, text: `${done}\n\n${checksText(checks, stylesFor(io.stdout, io.env))}\n\n${next}` };
}

/** Takes the node's name in the vault; a name that this host took before keeps its archive. */
async function claim(
  store: Store,
  state: NodeState,
  settings: Omit<NewConfig, "vaultId">,
  now: number,
): Promise<VaultId> {
  const { node, profile } = settings;
  const vault = (await archiveOf(store, node, state)) ?? makeVaultId(randomBytes(16));
  await claimNode({ store, vault, node, profile, publicKey: state.publicKey, now });
  await rebuildIndex({ store, vault, node });
  return vault;
}

async function archiveOf(store: Store, node: NodeName, { publicKey }: NodeState): Promise<VaultId | null> {
  const found = await store.get(names.nodeJson(node));
  if (found === null) return null;
  const { key, vault } = parseNodeJson(found.bytes);
  return key === publicKey ? vault : null;
}

/** What --trust-card-key takes: base64url SHA-256 of the key's 32 bytes. */
function fingerprintOf(publicKey: string): string {
  return createHash("sha256").update(Buffer.from(publicKey, "base64url")).digest("base64url");
}
