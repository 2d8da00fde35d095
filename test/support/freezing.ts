import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { prepareFreeze } from "../../agent/freeze/index.ts";
import type { FreezeOptions, FrozenEntry, FrozenTree } from "../../agent/freeze/types.ts";
import type { NodeControl, ServiceManager } from "../../agent/node/types.ts";
import { captureSetOf, type ProfileOverrides } from "../../agent/profiles/index.ts";
import { silent } from "../../vault/names/index.ts";
import { tempDir } from "./tmp.ts";

/** A manager that does as it is told, at once; `onStop` and `onStart` are the node's own doings. */
export interface Puppet {
  readonly manager: ServiceManager;
  readonly calls: string[];
  running: boolean;
}

export function puppet(doings: { onStop?: () => unknown; onStart?: () => unknown } = {}): Puppet {
  const self: Puppet = {
    running: true,
    calls: [],
    manager: {
      kind: "puppet",
      label: "puppet",
      controls: true,
      async stop() {
        self.calls.push("stop");
        await doings.onStop?.();
        self.running = false;
      },
      async start() {
        self.calls.push("start");
        await doings.onStart?.();
        self.running = true;
      },
      isRunning: async () => self.running,
    },
  };
  return self;
}

export function controlOf(manager: ServiceManager, rest: Partial<NodeControl> = {}): NodeControl {
  const limits = { stopMs: 10_000, startMs: 10_000, onStopTimeout: "fail" as const };
  return { name: "icon", manager, probe: null, limits, ...rest };
}

export type FreezeSetting = Partial<Omit<FreezeOptions, "profile">> & {
  readonly profile?: string;
  readonly globs?: ProfileOverrides;
};

/** Options for freezing `home/data`, with a fresh state directory. */
export function freezeOptions(home: string, setting: FreezeSetting = {}): FreezeOptions {
  const { profile = "files", globs = {}, ...rest } = setting;
  const stateDir = join(home, "state");
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  return {
    node: "icon",
    run: "run-1",
    roots: [{ name: "data", path: join(home, "data") }],
    control: controlOf(puppet().manager),
    stateDir,
    progress: silent,
    signal: new AbortController().signal,
    profile: captureSetOf(profile, globs),
    ...rest,
  };
}

/** A home with an empty `data` in it, gone when the test ends. */
export function makeHome(): { readonly home: string; readonly data: string } {
  const home = tempDir("freeze");
  const data = join(home, "data");
  mkdirSync(data);
  return { home, data };
}

export async function freeze(home: string, setting?: FreezeSetting): Promise<FrozenTree> {
  const prepared = await prepareFreeze(freezeOptions(home, setting));
  return prepared.capture();
}

export async function entriesOf(tree: FrozenTree): Promise<FrozenEntry[]> {
  return [...tree.entries()];
}

/** Latin1 path of an entry. */
export const pathOf = (entry: FrozenEntry): string => Buffer.from(entry.path).toString("latin1");

/** A frozen file's bytes, as a backup reads them. */
export function frozenBytes(entry: FrozenEntry | undefined): Buffer {
  const { source, offset, size } = entry ?? { source: [], offset: 0, size: 0 };
  return readFileSync(Buffer.from(source)).subarray(offset, offset + size);
}
