import { expect, it } from "vitest";
import { parseConfig } from "../../../agent/config/index.ts";

const parse = (more: string) =>
  parseConfig(
    `version: 1\nvault: file:///v\nencrypt_key: /k\nnodes: { demo: { profile: files, roots: { data: /srv/demo }, service: { manager: none }${more} } }\n`,
    "c.yaml",
    [],
  ).nodes[0];

it("says how files are frozen, and how much room a snapshot of a logical volume may take", () => {
  expect(parse("")?.freeze).toBeUndefined();
  expect(parse(", freeze: auto")?.freeze).toBeUndefined();
  expect(parse(", freeze: lvm, snapshot_space: 20GiB")).toMatchObject({ freeze: "lvm", snapshotSpace: 20 * 2 ** 30 });
  expect(() => parse(", freeze: hardlinks")).toThrow(/freeze: found "hardlinks"; allowed: auto or reflink or/);
  expect(() => parse(", snapshot_space: 20G")).toThrow(/snapshot_space: found "20G"; allowed: a size such as 20GiB/);
});
