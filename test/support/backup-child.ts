import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { Store } from "../../vault/store/facets.ts";
import { openDirectoryStore } from "../../vault/store/index.ts";
import { backupHost } from "./backup-host.ts";

/**
 * A backup in a process of its own that kills itself: `node backup-child.ts <dir> <n> before|after` dies by SIGKILL
 * around its n-th create. Snapshot keys are told on disk, for the test reads what the survivors commit.
 */
const [dir = "", ordinal = "", when = ""] = process.argv.slice(2);
const store = await openDirectoryStore(join(dir, "vault"));
let creates = 0;
const killing: Store = {
  ...store,
  create: async (name, body) => {
    creates += 1;
    const now = creates === Number(ordinal);
    if (now && when === "before") process.kill(process.pid, "SIGKILL");
    const outcome = await store.create(name, body);
    if (now) process.kill(process.pid, "SIGKILL");
    return outcome;
  },
};
const host = backupHost(dir, killing);
const set = host.keys.keys.set.bind(host.keys.keys);
host.keys.keys.set = (id: string, key: Uint8Array) => {
  appendFileSync(join(dir, "keys"), `${id} ${Buffer.from(key).toString("hex")}\n`);
  return set(id, key);
};
const done = await host.backup({ isImmutable: (path) => path.endsWith(".ldb") });
process.stdout.write(done.snapshot);
