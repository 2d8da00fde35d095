import { accessSync, constants, statfsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { assertMayWork, parseNodeJson, parseVaultJson } from "../../vault/card/index.ts";
import { messageOf, names } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import { formatBytes } from "../report/index.ts";
import { openNodeState } from "../state/index.ts";
import { type Check, fail, note, ok, warn } from "./check.ts";
import { checkBucket } from "./check-bucket.ts";
import type { Session } from "./session.ts";

const SMALL = 64 << 10;
const LITTLE_SPACE = 5 * 1000 ** 3;

/** The vault: there, ours to write to, and set up so that what is in it stays. */
export async function checkVault(session: Session, store: Store): Promise<readonly Check[]> {
  const found = await store.get(names.VAULT_JSON, { maxBytes: SMALL });
  if (found === null) {
    return [
      fail("vault", "vault", `${store.url} has no vault.json`, "make it with `coldkeep init`, or correct `vault`"),
    ];
  }
  assertMayWork(parseVaultJson(found.bytes), "agent");
  const place = store.url.startsWith("file:")
    ? checkFolder(session, fileURLToPath(store.url))
    : await checkBucket(store);
  return [...place, await checkClaim(session, store)];
}

/** The folder: writable, with room, and not on the disk it is to protect from. */
function checkFolder({ node }: Session, path: string): Check[] {
  const checks: Check[] = [writable(path)];
  const { bavail, bsize } = statfsSync(path);
  const free = bavail * bsize;
  checks.push(
    free >= LITTLE_SPACE
      ? ok("vault space", `${formatBytes(free)} free`)
      : warn("vault space", `${formatBytes(free)} free`, "make room before the next backups"),
  );
  const shared = node.roots.find((root) => deviceOf(root.path) === statSync(path).dev);
  if (shared !== undefined) {
    checks.push(
      note(
        "vault disk",
        `it is on the file system of root ${shared.name}`,
        "a broken disk takes both; copy the vault elsewhere",
      ),
    );
  }
  return checks;
}

function writable(path: string): Check {
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return ok("vault", path);
  } catch (error) {
    return fail("vault", "permission", `${path}: ${messageOf(error)}`, "give this user the right to write to it");
  }
}

/** The node's name in the vault must be this host's, or free. */
async function checkClaim({ config, node }: Session, store: Store): Promise<Check> {
  const found = await store.get(names.nodeJson(node.name), { maxBytes: SMALL });
  if (found === null) return ok("vault claim", `nobody backs up as ${node.name} yet; the first backup claims the name`);
  const claim = parseNodeJson(found.bytes);
  if (config.vaultId !== undefined && claim.vault !== config.vaultId) {
    return fail(
      "vault claim",
      "refused",
      `${node.name} belongs to archive ${claim.vault}, the configuration says ${config.vaultId}`,
      "correct vault_id, or take another vault or name",
    );
  }
  const { publicKey } = openNodeState(config.stateDir, node.name);
  if (claim.key === publicKey) return ok("vault claim", `${node.name} is signed by this host`);
  return fail(
    "vault claim",
    "refused",
    `another host signs the snapshots of ${node.name}`,
    "take another name for the node, or bring this host's state directory back if it was lost",
  );
}

function deviceOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.dev ?? null;
}
