import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { sharedTempDir } from "../support/tmp.ts";
import { type Host, makeHost } from "./host.ts";

/** Two hosts of one group on one vault, whose nodes say when they are down, and whether the other is. */
describe("nodes of a group of which one may be down", () => {
  const home = sharedTempDir("coldkeep-group");
  const hosts: Host[] = [];
  const both = join(home, "both");
  const down = (name: string) => join(home, `${name}.down`);

  beforeAll(async () => {
    for (const [name, other] of [
      ["one", "two"],
      ["two", "one"],
    ] as const) {
      const folder = join(home, name);
      mkdirSync(folder);
      const host = await makeHost(folder, { node: name });
      const stop = `touch ${down(name)}; test -e ${down(other)} && touch ${both}; sleep 0.3; rm -f`;
      host.change(/stop: "?rm -f/, (found) => found.replace("rm -f", stop));
      host.change(/start: "?touch/, (found) => found.replace("touch", `rm -f ${down(name)}; touch`));
      host.change(/^vault: .*$/m, `vault: file://${join(home, "vault")}`);
      host.change(/^( +)when_down:/m, "$1group: validators\n$1max_down_in_group: 1\n$&");
      host.change(/^vault_id: .*$/m, "vault_id: AAECAwQFBgcICQoLDA0ODw");
      hosts.push(host);
    }
    mkdirSync(join(home, "vault"));
    // The first ones make the vault's folders.
    for (const host of hosts) await host.json("backup");
  });

  it("two backups at once: both are made, one outage after the other", async () => {
    await Promise.all(hosts.map((host) => host.json("backup")));
    expect(existsSync(both)).toBe(false);
    const slots = readdirSync(join(home, "vault/groups/validators/down"));
    expect(slots.filter((name) => name.endsWith(".up.json"))).toHaveLength(slots.length / 2);
  });

  it("what a test of the above can see: without a group they are down at once", async () => {
    for (const host of hosts) host.change(/^ +group: .*\n +max_down_in_group: .*\n/m, "");
    await Promise.all(hosts.map((host) => host.json("backup")));
    expect(existsSync(both)).toBe(true);
    rmSync(both);
    for (const host of hosts) host.change(/^( +)when_down:/m, "$1group: validators\n$1group_wait: 1ms\n$&");
  });

  it("one that does not start again keeps its turn: the other is not stopped", async () => {
    const [one, two] = hosts as [Host, Host];
    const before = readFileSync(one.config, "utf8");
    one.change(/start: .*/, 'start: "exit 3"');
    one.change(/start_timeout: .*/, "start_timeout: 1s");
    expect((await one.run(["backup"])).code).toBe(6);
    const { kind, exit_code, message } = await two.failure("backup", "--anyway");
    expect([kind, exit_code]).toEqual(["skipped", 18]);
    expect(message).toContain("one held the turn");
    expect([two.isUp(), existsSync(down("two"))]).toEqual([true, false]);
    writeFileSync(one.config, before);
    // It comes back by its own next run, which has the turn still.
    await one.json("backup");
    await two.json("backup");
  });
});
