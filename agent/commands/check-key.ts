import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { selectSnapshot } from "../../keeper/index.ts";
import { isColdkeepError } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import { describeSealer, guessable, loadKeySource, toIdentity } from "../keys/index.ts";
import { openSnapshot } from "../open/index.ts";
import { type Check, note, ok, warn } from "./check.ts";
import type { Call } from "./define.ts";
import { pinnedKeyOf, suiteOf } from "./opened.ts";
import type { Session } from "./session.ts";

/** The key: there, of the right length, for the owner alone, no word to be guessed, kept apart from what it opens; and what seals. */
export async function checkKey({ config, node }: Session): Promise<readonly Check[]> {
  const source = await loadKeySource(config.encryptKey, { suite: suiteOf(config), field: "encrypt_key" });
  const where = source.kind === "file" ? source.label : `in the configuration, as a ${source.kind}`;
  const checks: Check[] = [ok("key", `${source.bytes.length} bytes, ${where}`)];
  const weak = guessable(source);
  if (weak !== null) {
    checks.push(
      warn(
        "key strength",
        weak,
        "take a random one: openssl rand -base64 24 (12 for sm4); old snapshots keep the old key",
      ),
    );
  }
  if (source.kind === "file") {
    const file = realpathSync(source.label);
    const vaults = config.vaults.map(({ url }) => fileURLToPath(url));
    const place = [...vaults, ...node.roots.map(({ path }) => path)].find((folder) => file.startsWith(`${folder}/`));
    if (place !== undefined) {
      checks.push(
        warn("key place", `${file} lies in ${place}`, "whoever gets the vault or a copy of the node gets the key"),
      );
    }
  }
  const { found, slow } = describeSealer(suiteOf(config));
  const mend = "install libgcrypt20, which Debian and Ubuntu build with SM4, or set `encryptor: aes`";
  checks.push(slow === null ? ok("cipher", found) : warn("cipher", slow, mend));
  return checks;
}

/** Whether this key has been seen to open anything: a key nobody proved is found wrong on the worst of days. */
export async function checkKeyOpens(session: Session, store: Store, call: Call): Promise<Check> {
  const { config, node } = session;
  const vault = config.vaultId === undefined ? {} : { vault: config.vaultId };
  try {
    const { snapshot } = await selectSnapshot({ store, node: node.name, ...vault, selection: { by: "latest" } });
    const source = await loadKeySource(config.encryptKey, { suite: suiteOf(config), field: "encrypt_key" });
    const pinnedKey = pinnedKeyOf(session);
    await openSnapshot({
      store,
      ...vault,
      node: node.name,
      snapshot,
      identities: [toIdentity(source)],
      ...(pinnedKey === undefined ? {} : { pinnedKey }),
      progress: call.progress,
      signal: call.io.signal,
    });
    return ok("key proven", `it opens ${snapshot}`);
  } catch (error) {
    if (!isColdkeepError(error, "not-found")) throw error;
    return note(
      "key proven",
      "it has opened no snapshot yet",
      "after the first backup run `coldkeep verify --read-data`",
    );
  }
}
