import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { prefetch } from "../../posix/prefetch.ts";
import { tempDir } from "../support/tmp.ts";

it("is a hint: files stay as they are, and what cannot be read ahead stops nothing", () => {
  const folder = tempDir();
  const file = join(folder, "file");
  writeFileSync(file, "content");
  mkdirSync(join(folder, "folder"));
  const open = () => readdirSync("/proc/self/fd").length;
  const before = open();
  prefetch(Buffer.from(file), 2, 3);
  prefetch(file, 1_000_000, 1);
  prefetch(join(folder, "none"), 0, 1);
  prefetch(join(folder, "folder"), 0, 1);
  expect(readFileSync(file, "utf8")).toBe("content");
  expect(open()).toBe(before);
});
