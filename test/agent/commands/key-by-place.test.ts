import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, it } from "vitest";
import { keyByPlace } from "../../../agent/commands/key-by-place.ts";
import { tempDir } from "../../support/tmp.ts";

it("a key file may be named from where one stands, and is the same file elsewhere", () => {
  const path = join(tempDir("key-by-place"), "icon.key");
  writeFileSync(path, Buffer.alloc(32, 1));
  const near = relative(process.cwd(), path);
  expect(near).toMatch(/^\.\.\//);
  expect(keyByPlace(near, "--identity")).toEqual(keyByPlace(path, "--identity"));
});

it("what is no file that is there might be a key, and is not repeated", () => {
  const given = "./0H#y@Hush-Hush";
  expect(() => keyByPlace(given, "--identity")).toThrow(/never the key itself.*\.\/path/);
  expect(() => keyByPlace(given, "--identity")).not.toThrow(/Hush/);
});
