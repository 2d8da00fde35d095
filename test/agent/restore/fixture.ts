import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { planRestore, type RestoreOptions, type RestoreResult, runRestore } from "../../../agent/restore/index.ts";
import { silent } from "../../../vault/names/index.ts";
import { type BuildOptions, type Built, buildSnapshot, type Item, makeNode } from "../../support/build-snapshot.ts";
import { type MemoryStore, memoryStore } from "../../support/memory-store.ts";
import { memoryKeys } from "../../support/read-snapshot.ts";
import { tempDir } from "../../support/tmp.ts";

/** Receipt time of everything in the fixture's vault. */
export const RECEIVED = Date.UTC(2026, 0, 15);

export interface Fixture {
  readonly dir: string;
  readonly store: MemoryStore;
  readonly keys: ReturnType<typeof memoryKeys>;
  readonly built: Built;
  /** Options of a restore to `<dir>/out`. */
  options(changes?: Partial<RestoreOptions>): RestoreOptions;
  restore(changes?: Partial<RestoreOptions>): Promise<RestoreResult>;
}

/** A made-up snapshot in a vault in memory, and a host to restore it on. */
export async function restoreFixture(items: readonly Item[], more: Partial<BuildOptions> = {}): Promise<Fixture> {
  const dir = tempDir();
  const store = memoryStore(() => RECEIVED);
  const keys = memoryKeys();
  const built = await buildSnapshot({ store, node: makeNode(), items, recipients: [keys], ...more });
  mkdirSync(join(dir, "state"), { mode: 0o700 });
  const options = (changes: Partial<RestoreOptions> = {}): RestoreOptions => ({
    store,
    node: built.node.name,
    snapshot: built.snapshot,
    identities: [keys],
    targets: { to: join(dir, "out") },
    assertStopped: async () => {},
    keepOld: false,
    keepSpecialBits: false,
    stateDir: join(dir, "state"),
    progress: silent,
    signal: new AbortController().signal,
    workers: 1,
    ...changes,
  });
  const restore = async (changes: Partial<RestoreOptions> = {}) => {
    const o = options(changes);
    return await runRestore(await planRestore(o), o);
  };
  return { dir, store, keys, built, options, restore };
}
