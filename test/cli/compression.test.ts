import { globSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { COMPRESSIONS } from "../../vault/names/index.ts";
import { tempDir } from "../support/tmp.ts";
import { makeHost } from "./host.ts";

/** This project's own text, file by file. */
function texts(): Buffer[] {
  const root = join(import.meta.dirname, "../..");
  const paths = globSync("{agent,keeper,vault,test}/**/*.ts", { cwd: root }).sort();
  return paths.map((path) => readFileSync(join(root, path)));
}

describe("how hard what is new is compressed", () => {
  it("is the configuration's choice: each is restored, and a lost pack of each is made again", async () => {
    const files = texts();
    const table = Buffer.concat(files);
    const stored: number[] = [];
    for (const how of COMPRESSIONS) {
      const host = await makeHost(tempDir());
      if (how !== "balanced") host.change(/^( +)profile: files$/m, `$&\n$1compression: ${how}`);
      writeFileSync(join(host.data, "table"), table);
      // Small ones as well: of some of them two settings make as many bytes, and others.
      for (const [n, bytes] of files.entries()) writeFileSync(join(host.data, `small-${n}`), bytes);
      const { snapshot, figures } = await host.json<{ snapshot: string; figures: { stored: number } }>("backup");
      stored.push(figures.stored);

      const folder = join(host.vault, host.node, "data", snapshot);
      const packs = readdirSync(folder).filter((name) => name.endsWith(".pack"));
      const was = packs.map((name) => readFileSync(join(folder, name)));
      const [largest] = was.map(({ length }, at) => ({ length, at })).sort((one, other) => other.length - one.length);
      const lost = packs[largest?.at ?? 0] ?? "";
      rmSync(join(folder, lost));
      expect((await host.run(["repair"])).code, how).toBe(0);
      expect(readFileSync(join(folder, lost)).equals(was[largest?.at ?? 0] ?? Buffer.alloc(0)), how).toBe(true);

      const to = join(tempDir(), "restored");
      await host.json("restore", "latest", "--to", to);
      expect(readFileSync(join(to, "data/table")).equals(table), how).toBe(true);
    }
    const [fast = 0, balanced = 0, small = 0] = stored;
    expect(balanced).toBeLessThan(fast);
    expect(small).toBeLessThan(balanced);
  });
});
