import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { tempDir } from "../support/tmp.ts";
import { makeHost } from "./host.ts";

it("an index, head and list of before are no newest snapshot to a restore that knows better, and `rebuild` mends them", async () => {
  const host = await makeHost(tempDir("coldkeep-old-index"));
  const caches = ["index.json", "head.json", "backup_list"].map((name) => join(host.vault, host.node, name));
  const first = (await host.json<{ snapshot: string }>("backup")).snapshot;
  const old = caches.map((path) => readFileSync(path));
  const second = (await host.json<{ snapshot: string }>("backup")).snapshot;
  for (const [at, path] of caches.entries()) writeFileSync(path, old[at] ?? "");
  const to = join(tempDir("coldkeep-old-index"), "it");
  const restored = (...words: string[]) => host.json<{ snapshot: string }>("restore", "latest", "--to", to, ...words);

  expect(await host.failure("restore", "latest", "--to", to, "--min-seq", "2")).toMatchObject({
    kind: "refused",
    message: expect.stringContaining(first),
  });
  await host.json("rebuild");
  expect((await restored("--min-seq", "2")).snapshot).toBe(second);
});
