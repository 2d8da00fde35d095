import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { prepareFreeze } from "../../../agent/freeze/index.ts";
import * as mounted from "../../../agent/freeze/volumes/mounted.ts";
import { makeTool } from "../../../agent/node/index.ts";
import { controlOf, entriesOf, freezeOptions, frozenBytes, makeHome, pathOf, puppet } from "../../support/freezing.ts";
import { tempDir } from "../../support/tmp.ts";

vi.mock("../../../agent/freeze/volumes/mounted.ts", { spy: true });

/** Takes the place of `zfs`, `mount`, `umount` and `sync`: a snapshot is a copy of the folder, a mount a copy of that. */
const STAND_IN = `
set -eu
program=$1; state=$2; data=$3; shift 3
echo "$program $*" >>"$state/calls"
case "$program $1" in
"zfs list") if [ "$3" = -t ]; then cat "$state/list" 2>/dev/null || :; else echo tank/node; fi ;;
"zfs snapshot") cp -a "$data" "$state/copy"; printf '%s\\t%s\\n' "$4" "\${3#*=}" >"$state/list" ;;
"zfs destroy") rm -r "$state/copy" "$state/list" ;;
"mount -t") cp -a "$state/copy/." "$6" ;;
esac
`;

it("a snapshot of a ZFS data set (by a stand-in for its commands: it was never run on a real one)", async () => {
  const { home, data } = makeHome();
  const state = tempDir("zfs");
  const mount = { id: 1, major: 0, minor: 99, point: home, folder: "/", type: "zfs", source: "tank/node" };
  vi.mocked(mounted.mountOf).mockReturnValue(mount);
  // What the stand-in copies there is no mount, and goes as a folder.
  vi.mocked(mounted.unmount).mockImplementation(async (point) => {
    if (existsSync(point)) writeFileSync(join(state, "unmounted"), "");
  });
  writeFileSync(join(data, "db"), "before");
  const tools = (program: string) => makeTool(["sh", "-c", STAND_IN, "sh", program, state, home]);
  const node = puppet({ onStart: () => writeFileSync(join(data, "db"), "after") });
  const roots = [{ name: "data", path: data, means: "zfs" as const }];
  const options = freezeOptions(home, { roots, tools, stateDir: tempDir("state"), control: controlOf(node.manager) });
  const tree = await (await prepareFreeze(options)).capture();
  const entries = await entriesOf(tree);
  expect(entries.map(pathOf)).toEqual(["data", "data/db"]);
  expect(frozenBytes(entries[1]).toString()).toBe("before");
  expect(tree.figures.volumes).toEqual(["ZFS data set tank/node"]);
  await tree.release();
  expect(existsSync(join(state, "unmounted"))).toBe(true);
  const calls = readFileSync(join(state, "calls"), "utf8").split("\n");
  const name = /coldkeep-[0-9a-f]{24}-0/.exec(calls.join())?.[0];
  expect(calls.filter((call) => /^(zfs (snapshot|destroy)|mount)/.test(call))).toEqual([
    `zfs snapshot -o coldkeep:snapshot=${name} tank/node@${name}`,
    `mount -t zfs -o ro,nosuid,nodev,noexec tank/node@${name} ${options.stateDir}/snapshot-0`,
    `zfs destroy tank/node@${name}`,
  ]);
});
