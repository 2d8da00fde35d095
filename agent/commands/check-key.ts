import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { selectSnapshot } from "../../keeper/index.ts";
import { isColdkeepError, type SnapshotId } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import type { Config } from "../config/index.ts";
import { describeSealer, guessable, type LoadedKey, loadKey, NOTHING_OPENS } from "../keys/index.ts";
import { openSnapshot } from "../open/index.ts";
import { type Check, note, ok, warn } from "./check.ts";
import { checkConsumed } from "./consumed.ts";
import type { Call } from "./define.ts";
import { contextOf, loadKeys, loadOpeners, suiteOf, withoutConsuming } from "./opened.ts";
import { openingWith } from "./opening.ts";
import { type Session, scopeOf } from "./session.ts";
import { publicKeys } from "./unproven.ts";

/** The keys: there, of the right length, for the owner alone, no words to be guessed, kept apart from what they open; and what seals. */
export async function checkKey(session: Session, call: Call): Promise<readonly Check[]> {
  const keys = await loadKeys(withoutConsuming(session.config), call);
  const unproven = (await publicKeysOf(session, keys)).filter(({ proven }) => proven === undefined);
  return [
    ...keys.flatMap((key) => checkOne(key, session)),
    ...unproven.map(({ key }) =>
      warn("key unproven", `nobody has shown that ${key.label} opens anything`, "run `coldkeep key test`"),
    ),
    ...checkConsumed(session.config),
    checkCipher(session.config),
  ];
}

/** Without this host's state nothing was proven yet; that the state is missing is another check's finding. */
async function publicKeysOf({ config, node }: Session, keys: readonly LoadedKey[]) {
  try {
    return await publicKeys(config, node, keys);
  } catch (error) {
    if (isColdkeepError(error, "not-found")) return [];
    throw error;
  }
}

function checkCipher(config: Config): Check {
  const { found, slow } = describeSealer(suiteOf(config));
  const mend = "install libgcrypt20, which Debian and Ubuntu build with SM4, or set `encryptor: aes`";
  return slow === null ? ok("cipher", found) : warn("cipher", slow, mend);
}

function checkOne({ software, label, setting, notes = [] }: LoadedKey, { config, node }: Session): Check[] {
  if (software === undefined) {
    const todo = "docs/KEYS.md tells what a key in a token should be";
    return [ok("key", label), ...notes.map((words) => warn("key in token", words, todo))];
  }
  const where = software.kind === "file" ? label : `${setting.field} of the configuration, as a ${software.kind}`;
  const checks: Check[] = [ok("key", `${software.bytes.length} bytes, ${where}`)];
  const weak = guessable(software);
  if (weak !== null) {
    checks.push(
      warn(
        "key strength",
        weak,
        "take a random one: coldkeep key generate; old snapshots keep the old key until `coldkeep key rotate`",
      ),
    );
  }
  // What a credential holds is written as in a file, and lies where systemd puts it.
  if (software.kind === "file" && setting.kind === "software") {
    const file = realpathSync(software.label);
    const vaults = config.vaults.flatMap(({ url }) => (url.startsWith("file:") ? [fileURLToPath(url)] : []));
    const place = [...vaults, ...node.roots.map(({ path }) => path)].find((folder) => file.startsWith(`${folder}/`));
    if (place !== undefined) {
      checks.push(
        warn("key place", `${file} lies in ${place}`, "whoever gets the vault or a copy of the node gets the key"),
      );
    }
  }
  return checks;
}

/** Whether this key has been seen to open anything: a key nobody proved is found wrong on the worst of days. */
export async function checkKeyOpens(session: Session, store: Store, call: Call): Promise<readonly Check[]> {
  const { config, node } = session;
  try {
    const { snapshot } = await selectSnapshot({ store, ...scopeOf(config, node.name), selection: { by: "latest" } });
    const identities = await loadOpeners(withoutConsuming(config), call);
    await openSnapshot(openingWith(session, store, call, identities)(snapshot));
    const others = config.keys.length > 1 ? config.keys.filter(({ kind }) => kind === "kms") : [];
    return [ok("key proven", `it opens ${snapshot}`), ...(await deniedByKms(session, store, call, snapshot, others))];
  } catch (error) {
    if (isColdkeepError(error, "key") && error.what === NOTHING_OPENS) {
      return [
        note(
          "key proven",
          "by design: this host holds public keys only, and can open nothing",
          "where the private one is, run `coldkeep verify --identity …` on a snapshot",
        ),
      ];
    }
    if (isDeniedByKms(error)) return [unprovenInKms("the key in AWS KMS")];
    if (!isColdkeepError(error, "not-found")) throw error;
    return [
      note("key proven", "it has opened no snapshot yet", "after the first backup run `coldkeep verify --read-data`"),
    ];
  }
}

/** Another key that opens says nothing of one in KMS that this host may only encrypt with. */
async function deniedByKms(
  session: Session,
  store: Store,
  call: Call,
  snapshot: SnapshotId,
  settings: Config["keys"],
): Promise<Check[]> {
  const found: Check[] = [];
  for (const setting of settings) {
    const { identity, label } = await loadKey(setting, contextOf(session.config, call));
    try {
      if (identity !== null) await openSnapshot(openingWith(session, store, call, [identity])(snapshot));
    } catch (error) {
      // A snapshot from before it was configured has no slot of it; what opened the snapshot is told already.
      if (isDeniedByKms(error)) found.push(unprovenInKms(label));
      else if (!isColdkeepError(error, "key")) throw error;
    }
  }
  return found;
}

function isDeniedByKms(error: unknown): boolean {
  return isColdkeepError(error, "permission") && error.message.includes("AWS KMS did not decrypt");
}

function unprovenInKms(key: string): Check {
  return warn(
    "key unproven",
    `nobody here can show that ${key} opens anything: this host may encrypt with AWS KMS and not decrypt`,
    "where a role may do kms:Decrypt, run `coldkeep verify --read-data` on a snapshot, now and after each change of the key",
  );
}
