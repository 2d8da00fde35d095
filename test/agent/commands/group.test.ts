import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { askingOrder, assertConsistent, assertOrder, pickGroup } from "../../../agent/commands/group.ts";
import { foreseeOutage } from "../../../agent/commands/group-outage.ts";
import { parseConfig } from "../../../agent/config/index.ts";
import { systemClock } from "../../../posix/clock.ts";
import { toNodeName } from "../../../vault/names/index.ts";
import { runHere } from "../../cli/run.ts";
import { configHead } from "../../support/config-head.ts";
import { tempDir } from "../../support/tmp.ts";
import { canMount, mountTmpfs, WITH_MOUNTS } from "../../support/tmpfs.ts";

const PEER = "fabric-peer";
const ORDERER = "fabric-orderer";

describe("whether nodes of a group fit together", () => {
  const member = (node: string, profile: string, captured: number, heights?: Record<string, number>) => ({
    node: toNodeName(node),
    profile,
    captured,
    ...(heights === undefined ? {} : { heights }),
  });

  it("an orderer is as high as its peers or higher, in each channel that both tell", () => {
    const peer = member("peer", PEER, 1, { a: 10, b: 5, own: 99 });
    const check = (...heights: Record<string, number>[]) =>
      assertConsistent("g", [peer, ...heights.map((each, i) => member(`orderer${i}`, ORDERER, 2, each))], true);
    check({ a: 10, b: 5 });
    check({ a: 12, b: 6, c: 0 });
    // One that lags catches up from the others.
    check({ a: 3, b: 3 }, { a: 10, b: 5 });
    expect(() => check({ a: 9, b: 5 })).toThrow(/peer is at 10 in channel a, orderer0 at 9: a peer that has blocks/);
    expect(() => check({ a: 10, b: 4 }, { a: 10, b: 4 })).toThrow(/peer is at 5 in channel b, orderer0, orderer1 at 4/);
  });

  it("a CouchDB is as old as its peer or older, or was down together with it", () => {
    const set = (couch: number) => [member("peer", PEER, 5, { a: 1 }), member("couch", "couchdb", couch)];
    for (const captured of [4, 5]) assertConsistent("g", set(captured), false);
    assertConsistent("g", set(6), true);
    expect(() => assertConsistent("g", set(6), false)).toThrow(/couch was captured after peer: a peer whose state/);
  });

  it("its order is looked at before anything is stopped, where it is one by one", () => {
    const group = (down: "together" | "one-by-one") => ({
      ...{ name: "g", down, ownTimers: false },
      order: ["n0", "n1"].map(toNodeName),
    });
    assertOrder(group("together"), [ORDERER, PEER]);
    assertOrder(group("one-by-one"), [PEER, ORDERER]);
    expect(() => assertOrder(group("one-by-one"), [ORDERER, PEER])).toThrow(/write n1 before n0 in its order/i);
    expect(() => assertOrder(group("one-by-one"), ["couchdb", PEER])).toThrow(/can only be down together/);
    expect(askingOrder([ORDERER, PEER, "couchdb", PEER])).toEqual([2, 1, 3, 0]);
  });
});

describe("how long a group would be down", () => {
  const [a, b, c] = [
    { ownMs: 100, freezeMs: 5 },
    { ownMs: 20, freezeMs: 50 },
    { ownMs: 3, freezeMs: 1 },
  ];

  it("together: who stops first waits for all after it, and all for the slowest freeze", () => {
    expect(foreseeOutage([a, b, c], true)).toEqual({ members: [173, 73, 53], longestMs: 173 });
    expect(foreseeOutage([a, "up", c], true)).toEqual({ members: [108, 0, 8], longestMs: 108 });
  });

  it("one by one: each by itself", () => {
    expect(foreseeOutage([a, b, c], false)).toEqual({ members: [105, 70, 4], longestMs: 105 });
  });

  it("not known where a part of it is not", () => {
    expect(foreseeOutage([a, null, c], true)).toEqual({ members: [null, null, null], longestMs: null });
    expect(foreseeOutage([a, null, c], false)).toEqual({ members: [105, null, 4], longestMs: null });
  });
});

describe("groups in a configuration", () => {
  const text = (groups: string) => `version: 1
vault: file:///v
encrypt_key: /k
nodes:
  a: { profile: files, roots: { d: /a }, service: { manager: none } }
  b: { profile: files, roots: { d: /b }, service: { manager: none } }
groups: ${groups}
`;

  it("name nodes of the file, two or more, each in one group", () => {
    const { groups } = parseConfig(text("{ g: { order: [b, a] } }"), "c", []);
    expect(groups).toEqual([{ name: "g", order: ["b", "a"], down: "together", ownTimers: false }]);
    for (const [wrong, words] of [
      ["{ g: { order: [a, x] } }", /groups\.g\.order\.1: there is no node x; known are a, b/],
      ["{ g: { order: [a] } }", /a list of two or more nodes/],
      ["{ g: { order: [a, a] } }", /each node once/],
      ["{ g: { order: [a, b] }, h: { order: [a, b] } }", /a is in group g already/],
      ["{ tickets: { order: [a, b] } }", /a name: 1 to 63 of/],
      ["{ g: { order: [a, b], down: once } }", /together or one-by-one/],
    ] as const)
      expect(() => parseConfig(text(wrong), "c", [])).toThrow(words);
    // Two things of nearly one name.
    expect(() => parseConfig(text("{ g: { order: [b, a] } }").replace(/^groups/m, "group"), "c", [])).toThrow(
      /group: unknown key; did you mean groups\? It has each set by its name/,
    );
    const ofNode = (words: string) => text("{ g: { order: [b, a] } }").replace("service:", `${words}, service:`);
    expect(() => parseConfig(ofNode("groups: [g]"), "c", [])).toThrow(
      /nodes\.a\.groups: unknown key; groups, the sets that are backed up as one, is written once, beside nodes/,
    );
    expect(() => parseConfig(ofNode("group: { order: [b, a] }"), "c", [])).toThrow(/nodes\.a\.group: .*under groups/);
    expect(() => pickGroup(parseConfig(ofNode("group: fleet"), "c", []), "fleet")).toThrow(
      /the `group` of a.*write the set under `groups`, beside `nodes`: groups: \{ fleet: \{ order: \[a\] \} \}/s,
    );
    // Each would wait for the other's turn while that one is down.
    const turns = (down: string, most: number) =>
      text(`{ g: { order: [a, b], down: ${down} } }`).replaceAll(
        "service:",
        `group: fleet, max_down_in_group: ${most}, service:`,
      );
    expect(() => parseConfig(turns("together", 1), "c", [])).toThrow(
      /groups\.g: a, b would be down together, and max_down_in_group of fleet is 1/,
    );
    parseConfig(turns("together", 2), "c", []);
    parseConfig(turns("one-by-one", 1), "c", []);
  });
});

/** Two nodes that write down what is done to them, with block files and heights of their own. */
async function world(
  heights: { readonly peer: number; readonly orderer: number },
  ordererStop = "",
  home = tempDir("group"),
) {
  const log = join(home, "log");
  const config = join(home, "config.yaml");
  const node = (name: "peer" | "orderer", more = "") => {
    mkdirSync(join(home, name));
    writeFileSync(join(home, name, "block"), `${name} as it was`);
    writeFileSync(join(home, `${name}.up`), "");
    return `
  ${name}:
    profile: fabric-${name}
    roots: { data: ${home}/${name} }
    service:
      manager: command
      stop: "${more}rm -f ${home}/${name}.up; echo stop ${name} >>${log}"
      start: "[ -e ${home}/${name}.up ] || echo start ${name} >>${log}; touch ${home}/${name}.up"
      is_running: "[ -e ${home}/${name}.up ]"
    height: { command: "cat ${home}/${name}.height", channels: { list: "", by: name, field: height } }`;
  };
  for (const [name, height] of Object.entries(heights))
    writeFileSync(join(home, `${name}.height`), JSON.stringify([{ name: "ch", height }]));
  writeFileSync(
    config,
    `${configHead(home)}nodes:${node("peer")}${node("orderer", ordererStop)}
groups: { fabric: { order: [peer, orderer] } }
`,
    { mode: 0o600 },
  );
  const coldkeep = (...words: string[]) => runHere([...words, "--config", config], { clock: systemClock });
  expect((await coldkeep("init")).code).toBe(0);
  return { home, coldkeep, log: () => readFileSync(log, "utf8").trim().split("\n") };
}

describe("backup and restore of a group", () => {
  it("one set: stopped in order, started the other way round, a group card, and both come back as they were", async () => {
    const { home, coldkeep, log } = await world({ peer: 7, orderer: 9 });
    const backup = await coldkeep("backup", "--group", "fabric", "--json");
    expect([backup.code, backup.stderr]).toEqual([0, ""]);
    expect(log()).toEqual(["stop peer", "stop orderer", "start orderer", "start peer"]);
    const { id, members } = JSON.parse(backup.stdout) as { id: string; members: { heights: object }[] };
    expect(members.map(({ heights }) => heights)).toEqual([{ ch: 7 }, { ch: 9 }]);
    expect(readdirSync(join(home, "vault/groups/fabric"))).toEqual([`${id}.group.json`]);
    const list = await coldkeep("list", "--node", "peer", "--json");
    expect(JSON.parse(list.stdout)).toMatchObject({ snapshots: [{ group: `fabric/${id}` }] });
    // A snapshot of one node alone is no set.
    writeFileSync(join(home, "peer/block"), "later");
    expect((await coldkeep("backup", "--node", "peer")).code).toBe(0);

    const to = join(home, "to");
    const restored = await coldkeep("restore", "--group", "fabric", "--to", to);
    expect(restored.code).toBe(0);
    expect(restored.stdout).toMatch(/Start them in this order: orderer, then peer\.\n$/);
    // How long, for each of the two: by a look at the vault, or that nothing can be said yet.
    expect(restored.stdout.match(/^takes +(at least|not foretold)/gm)).toHaveLength(2);
    for (const name of ["peer", "orderer"])
      expect(readFileSync(join(to, name, "data/block"), "utf8")).toBe(`${name} as it was`);
    expect((await coldkeep("restore", "--group", "fabric")).code).toBe(12);

    const down = () => {
      for (const name of ["peer", "orderer"]) {
        rmSync(join(home, `${name}.up`), { force: true });
        writeFileSync(join(home, name, "block"), "lost");
      }
      rmSync(join(home, "log"), { force: true });
    };
    down();
    // So little tells nothing of how fast a later one will be.
    const dry = await coldkeep("restore", "--group", "fabric", "--dry-run", "--json");
    expect(JSON.parse(dry.stdout)).toMatchObject({
      members: ["peer", "orderer"].map((node) => ({ node, outlook: null })),
    });
    const again = await coldkeep("restore", "--group", "fabric", "--wait-healthy", "--json");
    expect(again.code, again.stderr).toBe(0);
    expect(log()).toEqual(["start orderer", "start peer"]);
    expect(JSON.parse(again.stdout)).toMatchObject({
      start: ["orderer", "peer"],
      started: [
        { node: "orderer", heights: { ch: 9 } },
        { node: "peer", heights: { ch: 7 } },
      ],
    });
    for (const name of ["peer", "orderer"])
      expect(readFileSync(join(home, name, "block"), "utf8")).toBe(`${name} as it was`);
    // One that does not start: those that come after it wait for it, and the data of all is there.
    down();
    const config = join(home, "config.yaml");
    const text = readFileSync(config, "utf8");
    writeFileSync(
      config,
      text.replace(/start: "(\[ -e \S+orderer\.up \])[^"]*"/, 'start: "exit 7"\n      start_timeout: 1s'),
    );
    const failed = await coldkeep("restore", "--group", "fabric");
    expect(failed).toMatchObject({ code: 6, stderr: expect.stringMatching(/the data is restored, but/i) });
    expect(existsSync(join(home, "log"))).toBe(false);
    expect(failed.stdout).toMatch(
      /Once orderer runs: Start peer now.*Start them in this order: orderer, then peer\.\n/s,
    );
    expect(readFileSync(join(home, "peer/block"), "utf8")).toBe("peer as it was");
    writeFileSync(config, text);
    expect(await coldkeep("restore", "--group", "fabric", "--height", "1")).toMatchObject({ code: 2 });
    expect(await coldkeep("restore", "--group", "fabrik")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/Did you mean --group fabric/),
    });
    expect((await coldkeep("restore", "--group", "fabric", "20260115T000000Z-0123456789abcdef")).stderr).toMatch(
      /no such set/,
    );
  });

  it("--dry-run: each member and the set, before and after a run, and nothing is changed", async () => {
    const { home, coldkeep, log } = await world({ peer: 7, orderer: 9 });
    writeFileSync(join(home, "log"), "");
    const ask = async () => JSON.parse((await coldkeep("backup", "--group", "fabric", "--dry-run", "--json")).stdout);
    const all = () => readdirSync(home, { recursive: true, encoding: "utf8" }).sort();
    const before = all();
    const bytes = { peer: "peer as it was".length, orderer: "orderer as it was".length };
    expect(await ask()).toMatchObject({
      ...{ dry_run: true, group: "fabric", together: true, downtime_ms: null, read: bytes.peer + bytes.orderer },
      upload: { most: bytes.peer + bytes.orderer, expected: null },
      members: [
        { node: "peer", parent: null, downtime_in_group_ms: null, read: bytes.peer },
        { node: "orderer", parent: null, downtime_in_group_ms: null, read: bytes.orderer },
      ],
    });
    expect(log()).toEqual([""]);
    expect(all()).toEqual(before);
    const made = JSON.parse((await coldkeep("backup", "--group", "fabric", "--json")).stdout);
    writeFileSync(join(home, "peer/block"), "peer as it is now");
    const { members, downtime_ms, read, upload } = await ask();
    // The orderer's file too where it was written so shortly before the backup that its times do not tell a later change.
    const now = "peer as it is now".length;
    expect([now, now + bytes.orderer]).toContain(read);
    expect(upload.most).toBe(read);
    expect(members.map(({ parent }: { parent: string }) => parent)).toEqual(
      made.members.map(({ snapshot }: { snapshot: string }) => snapshot),
    );
    const [peer, orderer] = members as { downtime_in_group_ms: number }[];
    expect(downtime_ms).toBe(peer?.downtime_in_group_ms);
    expect(peer?.downtime_in_group_ms).toBeGreaterThan(orderer?.downtime_in_group_ms ?? Number.POSITIVE_INFINITY);
    expect(upload.expected).toBeGreaterThan(0);
    // What the first one waited for the second is not its own: told once, not twice.
    const [first] = made.members as { figures: { freeze: { downtimeMs: number; waitedMs: number } } }[];
    expect(first?.figures.freeze.waitedMs).toBeGreaterThan(0);
    const text = (await coldkeep("backup", "--group", "fabric", "--dry-run")).stdout;
    expect(text).toMatch(/^ *downtime +some .* for one node, at most$/m);
    expect(text).toMatch(/^peer +some [\s\S]*^orderer +some /m);
    expect((await coldkeep("backup", "--group", "fabric", "--dry-run", "--node", "peer")).code).toBe(2);
  });

  it("a peer above its orderer: no group card, and no such set is restored; a card that somebody wrote neither", async () => {
    const { home, coldkeep } = await world({ peer: 9, orderer: 7 });
    const backup = await coldkeep("backup", "--group", "fabric");
    expect(backup).toMatchObject({
      code: 12,
      stderr: expect.stringMatching(/peer is at 9 in channel ch, orderer at 7/),
    });
    expect(existsSync(join(home, "vault/groups"))).toBe(false);
    const none = await coldkeep("restore", "--group", "fabric", "--to", join(home, "to"));
    expect(none.stderr).toMatch(/there is no such set of this group/);

    const group = async (node: string) => {
      const { snapshots } = JSON.parse((await coldkeep("list", "--node", node, "--json")).stdout) as {
        snapshots: { snapshot: string; group: string; profile: string }[];
      };
      return snapshots[0];
    };
    const [peer, orderer] = [await group("peer"), await group("orderer")];
    const id = peer?.group.split("/")[1] ?? "";
    const members = [peer, orderer].map((entry, i) => ({
      captured: 1,
      node: ["peer", "orderer"][i],
      profile: entry?.profile,
      snapshot: entry?.snapshot,
    }));
    const put = (name: string) => {
      const card = { format: 1, group: "fabric", id: name, members, together: true, vault: "AAAAAAAAAAAAAAAAAAAAAA" };
      mkdirSync(join(home, "vault/groups/fabric"), { recursive: true });
      writeFileSync(join(home, `vault/groups/fabric/${name}.group.json`), JSON.stringify(card));
    };
    put(id);
    const unfit = await coldkeep("restore", "--group", "fabric", "--to", join(home, "to"));
    expect(unfit).toMatchObject({ code: 12, stderr: expect.stringMatching(/do not fit together/) });
    put("20260115T000000Z-0123456789abcdef");
    const forged = await coldkeep(
      "restore",
      "--group",
      "fabric",
      "20260115T000000Z-0123456789abcdef",
      "--to",
      join(home, "to"),
    );
    expect(forged.stderr).toMatch(/names a snapshot that is not of its set/);
    expect(readdirSync(join(home, "to"))).toEqual([]);
  });

  it.skipIf(!canMount)(
    `copies of each would fit, and those of all do not: refused before any is stopped ${WITH_MOUNTS}`,
    async () => {
      // For each 10 MiB and a margin of 16.
      const small = tempDir("group");
      mountTmpfs(small, "60m");
      const { home, coldkeep, log } = await world({ peer: 7, orderer: 9 }, "", small);
      writeFileSync(join(home, "log"), "");
      for (const name of ["peer", "orderer"]) writeFileSync(join(home, name, "log"), Buffer.alloc(10 << 20, 1));
      const dry = await coldkeep("backup", "--group", "fabric", "--dry-run");
      expect([dry.code, log()]).toEqual([13, [""]]);
      const backup = await coldkeep("backup", "--group", "fabric");
      expect(backup).toMatchObject({
        code: 13,
        stderr: expect.stringMatching(/do not fit together.*no node was stopped/s),
      });
      expect(log()).toEqual([""]);
      expect(existsSync(join(home, ".coldkeep-freeze"))).toBe(false);
      expect(existsSync(join(home, "vault/peer/snapshots"))).toBe(false);
      rmSync(join(home, "orderer/log"));
      expect((await coldkeep("backup", "--group", "fabric")).code).toBe(0);
    },
  );

  it("a member that does not stop: all run, nothing is stored, and there is no set", async () => {
    const { home, coldkeep, log } = await world({ peer: 7, orderer: 9 }, "if true; then exit 3; fi; ");
    const backup = await coldkeep("backup", "--group", "fabric");
    expect(backup.code).toBe(5);
    expect(log()).toEqual(["stop peer", "start peer"]);
    for (const name of ["peer", "orderer"]) {
      expect(existsSync(join(home, `${name}.up`))).toBe(true);
      expect(existsSync(join(home, `vault/${name}/snapshots`))).toBe(false);
      expect(readdirSync(home)).not.toContain(".coldkeep-freeze");
    }
  });
});
