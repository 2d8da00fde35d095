import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listFolder } from "../../posix/list-folder.ts";
import { tempDir } from "../support/tmp.ts";

function listed(path: string): [string, string][] {
  const found: [string, string][] = [];
  listFolder(Buffer.from(path).toString("latin1"), (name, kind) => found.push([name, kind]));
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

describe("what is in a folder", () => {
  it("is told with its kind, whatever bytes its names are", () => {
    const dir = tempDir();
    const odd = Buffer.from([0xff, 0x20, 0xc3, 0xa9]);
    writeFileSync(Buffer.concat([Buffer.from(`${dir}/`), odd]), "");
    writeFileSync(join(dir, "f".repeat(255)), "");
    writeFileSync(join(dir, ".hidden"), "");
    mkdirSync(join(dir, "folder"));
    symlinkSync("folder", join(dir, "link"));
    execFileSync("mkfifo", [join(dir, "pipe")]);
    expect(listed(dir)).toEqual([
      [".hidden", "file"],
      ["f".repeat(255), "file"],
      ["folder", "folder"],
      ["link", "symlink"],
      ["pipe", "other"],
      [odd.toString("latin1"), "file"],
    ]);
    expect(listed(join(dir, "folder"))).toEqual([]);
    expect(listed("/").map(([name]) => name)).toEqual(readdirSync("/").sort());
    expect(listed("/proc").some(([name, kind]) => name === "self" && kind === "symlink")).toBe(true);
  });

  it("is told whole where it takes many calls, and where another folder is listed in between", () => {
    const dir = tempDir();
    mkdirSync(join(dir, "inner"));
    writeFileSync(join(dir, "inner", "x"), "");
    const names = Array.from({ length: 3000 }, (_, i) => `${i}-${"long".repeat(20)}`);
    for (const name of names) writeFileSync(join(dir, name), "");
    const found: string[] = [];
    let inner = 0;
    listFolder(dir, (name) => {
      found.push(name);
      listFolder(join(dir, "inner"), () => {
        inner += 1;
      });
    });
    expect(found.sort()).toEqual([...names, "inner"].sort());
    expect(inner).toBe(found.length);
  });

  it("is the system's error where there is none", () => {
    const dir = tempDir();
    writeFileSync(join(dir, "file"), "");
    expect(() => listFolder(join(dir, "none"), () => {})).toThrow(/^ENOENT: .*none/);
    expect(() => listFolder(join(dir, "file"), () => {})).toThrow(/^ENOTDIR/);
  });
});
