import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { expect, it } from "vitest";
import { keyedNode } from "../../support/keyed-node.ts";

it("a host with an age recipient only backs up incrementally and can open nothing; the identity restores elsewhere", async () => {
  const identity = await generateX25519Identity();
  const node = await keyedNode(`keys: [${await identityToRecipient(identity)}]`);
  const first = await node.json<{ snapshot: string }>("backup");
  writeFileSync(join(node.data, "more"), "more");
  const second = await node.json<{ snapshot: string; parent: string; figures: { reused: number } }>("backup");
  expect(second.parent).toBe(first.snapshot);
  expect(second.figures.reused).toBeGreaterThan(0);
  const to = node.path("copy");
  const closed = await node.run(["restore", "--to", to]);
  expect(closed.code).toBe(4);
  expect(closed.stderr).toMatch(/no key here can open anything: age1.*only the public halves are here/s);
  expect(await node.run(["doctor"])).toMatchObject({ stdout: expect.stringMatching(/key proven +by design/) });

  for (const [given, words] of [
    ["0H#y@Hush-Hush!!", "and never the key itself"],
    ["AGE-SECRET-KEY-1HUSH", "put it into a file"],
    ["age:hush.txt", "an absolute path"],
  ] as const) {
    const { code, stderr } = await node.run(["restore", "--to", to, "--identity", given]);
    expect(code).toBe(2);
    expect(stderr).toContain(words);
    expect(stderr).not.toMatch(/hush/i);
  }

  const path = node.file("identity.txt", identity);
  const opened = await node.run(["restore", "--to", to, "--identity", `age:${path}`]);
  expect(opened).toMatchObject({ code: 0, stdout: expect.stringContaining(`age:${path}`) });
  expect(readFileSync(join(to, "data", "more"), "utf8")).toBe("more");
  expect(opened.stdout + opened.stderr).not.toContain(identity);
  expect(await node.run(["verify", "--all", "--read-data", "--identity", `age:${path}`])).toMatchObject({ code: 0 });
  node.setKeys("keys: [credential:id]\nidentities: [/nowhere]");
  const folder = { env: { CREDENTIALS_DIRECTORY: node.home } };
  writeFileSync(node.path("id"), identity);
  const from = await node.run(["restore", "--to", node.path("third")], folder);
  expect(from).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("a key cannot be used, the others are tried"),
  });
});
