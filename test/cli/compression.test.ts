import { globSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { COMPRESSIONS } from "../../vault/names/index.ts";
import { tempDir } from "../support/tmp.ts";
import { makeHost } from "./host.ts";

/** Some megabytes of text: this project's own, in one file. */
function text(): Buffer {
  const root = join(import.meta.dirname, "../..");
  const paths = globSync("{agent,keeper,vault,test}/**/*.ts", { cwd: root }).sort();
  return Buffer.concat(paths.map((path) => readFileSync(join(root, path))));
}

describe("how hard what is new is compressed", () => {
  it("is the configuration's choice: each is restored, and a lost pack of each is made again", async () => {
    const table = text();
    const stored: number[] = [];
    for (const how of COMPRESSIONS) {
      const host = await makeHost(tempDir());
      if (how !== "balanced") host.change(/^( +)profile: files$/m, `$&\n$1compression: ${how}`);
      writeFileSync(join(host.data, "table"), table);
      const { snapshot, figures } = await host.json<{ snapshot: string; figures: { stored: number } }>("backup");
      stored.push(figures.stored);

      const folder = join(host.vault, host.node, "data", snapshot);
      const [pack = ""] = readdirSync(folder).filter((name) => name.endsWith(".pack"));
      const was = readFileSync(join(folder, pack));
      rmSync(join(folder, pack));
      expect((await host.run(["repair"])).code, how).toBe(0);
      expect(readFileSync(join(folder, pack)).equals(was), how).toBe(true);

      const to = join(tempDir(), "restored");
      await host.json("restore", "latest", "--to", to);
      expect(readFileSync(join(to, "data/table")).equals(table), how).toBe(true);
    }
    const [fast = 0, balanced = 0, small = 0] = stored;
    expect(balanced).toBeLessThan(fast);
    expect(small).toBeLessThan(balanced);
  });
});
