import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { probeLinks } from "../../../agent/commands/probe-links.ts";
import { prepareFreeze } from "../../../agent/freeze/index.ts";
import { controlOf, entriesOf, freezeOptions, frozenBytes, makeHome, pathOf, puppet } from "../../support/freezing.ts";

/** What link(2) says of the frozen tree; null where it links. FAT says EPERM, some network shares ENOTSUP. */
const refusal = vi.hoisted(() => ({ code: null as string | null, ownOnly: false }));

vi.mock("node:fs", async (original) => {
  const real = await original<typeof import("node:fs")>();
  const linkSync: typeof real.linkSync = (from, to) => {
    const aside = /\.coldkeep-(freeze|probe)/.test(to.toString());
    if (refusal.code !== null && aside && !(refusal.ownOnly && from.toString().includes(".coldkeep-")))
      throw Object.assign(new Error(`${refusal.code}: link`), { code: refusal.code });
    real.linkSync(from, to);
  };
  return { ...real, default: { ...real, linkSync }, linkSync };
});

describe("a file system without hard links (link(2) refused in its stead: kernels of the tests have no FAT)", () => {
  beforeEach(() => void Object.assign(refusal, { code: null, ownOnly: false }));

  it.each([
    ["EPERM", "from the first try on", false],
    ["ENOTSUP", "from the first try on", false],
    ["EPERM", "of the node's own files", true],
    ["ENOTSUP", "of the node's own files", true],
  ])("%s %s: what never changes is copied while the node runs, all else while it is down", async (code, _, ownOnly) => {
    const { home, data } = makeHome();
    for (const name of ["1.sst", "2.sst", "chain.log", "CURRENT"]) writeFileSync(join(data, name), `${name} before`);
    Object.assign(refusal, { code, ownOnly });
    if (!ownOnly) expect(probeLinks(data)).toMatchObject({ link: false, error: null });
    const node = puppet({
      onStop: () => appendFileSync(join(data, "chain.log"), ", and at the stop"),
      // Up again, it writes as it likes.
      onStart: () => {
        for (const name of ["chain.log", "CURRENT"]) writeFileSync(join(data, name), "later");
      },
    });
    const globs = { immutable: ["*.sst"], append_only: ["*.log"] };
    const prepared = await prepareFreeze(freezeOptions(home, { control: controlOf(node.manager), globs }));
    expect(node.calls).toEqual([]);
    const tree = await prepared.capture();
    expect(node.calls).toEqual(["stop", "start"]);
    const files = (await entriesOf(tree)).filter(({ type }) => type === "file");
    expect(Object.fromEntries(files.map((entry) => [pathOf(entry), frozenBytes(entry).toString()]))).toEqual({
      "data/1.sst": "1.sst before",
      "data/2.sst": "2.sst before",
      "data/CURRENT": "CURRENT before",
      "data/chain.log": "chain.log before, and at the stop",
    });
    expect(tree.figures).toMatchObject({ linked: 0, files: 4 });
    expect(tree.figures.copied + tree.figures.reflinked).toBe(4);
    await tree.release();
    expect(existsSync(join(home, ".coldkeep-freeze"))).toBe(false);
    expect(readFileSync(join(data, "1.sst"), "utf8")).toBe("1.sst before");
  });

  it("freeze: hardlink is refused before the stop, and nothing is left", async () => {
    const { home, data } = makeHome();
    writeFileSync(join(data, "1.sst"), "1");
    refusal.code = "EPERM";
    const node = puppet();
    const roots = [{ name: "data", path: data, means: "hardlink" as const }];
    const options = freezeOptions(home, { control: controlOf(node.manager), roots, globs: { immutable: ["*.sst"] } });
    await expect(prepareFreeze(options)).rejects.toMatchObject({
      kind: "config",
      what: "freeze: hardlink, but the file system has no hardlinks",
      todo: expect.stringMatching(/leave freeze out/),
    });
    expect(node.calls).toEqual([]);
    expect(existsSync(join(home, ".coldkeep-freeze"))).toBe(false);
    expect(readdirSync(options.stateDir)).toEqual([]);
  });
});
