import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { makeVaultId } from "../../vault/names/index.ts";
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
import { allProfiles, profileNames } from "../profiles/index.ts";
import { facts, stylesFor } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import { checksText, firstFailure } from "./check.ts";
import type { Call } from "./define.ts";
import { checkSession } from "./doctor.ts";
import type { InitFlags } from "./init.command.ts";
import { initExisting } from "./init-existing.ts";
import { prepareNode } from "./init-prepare.ts";
import { completeAnswers, type InitAnswers } from "./init-questions.ts";
import { heightSettings, serviceSettings } from "./init-service.ts";
import { suiteOf } from "./opened.ts";

/**
 * `coldkeep init`. Everything is checked before anything is made, and the configuration comes last: a run that was cut
 * off is simply run again.
 */
export async function run(call: Call<InitFlags>): Promise<Answer> {
  const { flags, io } = call;
  const path = resolve(flags.config ?? DEFAULT_CONFIG);
  if (existsSync(path) && !describesNode(flags)) return initExisting(call);
  assertNoConfig(path);
  const given = await completeAnswers(flags, io, profileNames());
  const settings = await settingsOf(given, path, io.signal);
  // What would not be read back must not be written, and nothing made for it.
  parseConfig(renderConfig({ ...settings, vaultId: makeVaultId(new Uint8Array(16)) }), path, profileNames());

  const { keyFile } = settings;
  const madeKey = !existsSync(keyFile);
  const suite = suiteOf(settings);
  if (madeKey) generateKeyFile(keyFile, suite);
  else await loadKeySource(keyFile, { suite, field: "--key-file" });
  const prepared = await prepareNode({ ...settings, vaults: [settings.vault] }, call);
  writeNewConfig(path, renderConfig({ ...settings, vaultId: prepared.vaultId }));

  const config = loadConfig(path, profileNames());
  const checks = (await Promise.all(config.nodes.map((node) => checkSession({ config, node }, call)))).flat();
  const flag = path === DEFAULT_CONFIG ? "" : ` --config ${path}`;
  const failure = firstFailure(checks);
  const done = facts([
    ["config", path],
    ["vault", prepared.vaults.join(", ")],
    ["key", madeKey ? `${keyFile}, new: KEEP A COPY OF IT SOMEWHERE ELSE` : keyFile],
    ["state", prepared.stateFolder],
    ["card key", `${prepared.cardKey}: it signs this host's snapshots; its fingerprint is ${prepared.fingerprint}`],
  ]);
  const next = failure !== null ? `mend what is marked FAIL, then: coldkeep doctor${flag}` : `coldkeep backup${flag}`;
  return {
    document: {
      config: path,
      vaults: prepared.vaults,
      vault_id: prepared.vaultId,
      node: given.node,
      key_file: keyFile,
      key_made: madeKey,
      state_dir: prepared.stateFolder,
      card_key: prepared.cardKey,
      fingerprint: prepared.fingerprint,
      checks,
    },
    text: `${done}\n\n${checksText(checks, stylesFor(io.stdout, io.env))}\n\nNext: ${next}`,
    ...(failure === null ? {} : { failure }),
  };
}

/** Whether the flags describe a node, which a configuration that is there would already do. */
function describesNode(flags: InitFlags): boolean {
  const { profile, root, vault, encryptor, keyFile, stateDir, stop, start, isRunning } = flags;
  const { healthUrl, heightUrl, heightField, region, endpoint, awsProfile } = flags;
  const all = [profile, root, vault, encryptor, keyFile, stateDir, stop, start, isRunning];
  return [...all, region, endpoint, awsProfile, healthUrl, heightUrl, heightField].some((flag) => flag !== undefined);
}

async function settingsOf(given: InitAnswers, path: string, signal: AbortSignal): Promise<Omit<NewConfig, "vaultId">> {
  const height = await heightSettings(given, signal);
  return {
    vault: vaultOf(given),
    stateDir: resolve(given.stateDir ?? "/var/lib/coldkeep"),
    encryptor: given.encryptor ?? "aes",
    keyFile: resolve(given.keyFile ?? join(dirname(path), "coldkeep.key")),
    node: given.node,
    profile: given.profile,
    roots: given.roots,
    service: serviceSettings(given),
    ...(given.systemConfig === undefined ? {} : { systemConfig: given.systemConfig }),
    ...(given.healthUrl === undefined ? {} : { health: { url: given.healthUrl, ok: [200] } }),
    ...(height === null ? {} : { height }),
    ...keepOf(given.profile),
  };
}

/** Where there is no such profile, the configuration says so. */
function keepOf(profile: string): Pick<NewConfig, "keep"> {
  const keep = allProfiles().find(({ name }) => name === profile)?.keep;
  return keep === undefined ? {} : { keep };
}

function vaultOf({ vault, region, endpoint, awsProfile }: InitAnswers): NewConfig["vault"] {
  const url = /^[a-z][a-z0-9+.-]*:/i.test(vault) ? vault : pathToFileURL(resolve(vault)).href;
  const reach = {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(awsProfile === undefined ? {} : { profile: awsProfile }),
  };
  return Object.keys(reach).length === 0 ? { url } : { url, s3: reach };
}
