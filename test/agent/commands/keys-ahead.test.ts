import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Call } from "../../../agent/commands/define.ts";
import { stretchAhead, takeKeysAhead } from "../../../agent/commands/keys-ahead.ts";
import { openSession } from "../../../agent/commands/session.ts";
import { type KeyedNode, keyedNode } from "../../support/keyed-node.ts";

const KEY = "mI7dHaRVxNCeoBFqxuTfZ1ycpAOyPT6E";

function callOf({ config }: KeyedNode): Call {
  const progress = { warn: (text: string) => expect.unreachable(text) };
  return { flags: { config }, io: { env: {}, ask: null }, progress } as unknown as Call;
}

async function begun(node: KeyedNode, then = () => {}) {
  const call = callOf(node);
  await stretchAhead(openSession(call), call);
  then();
  const session = openSession(call);
  const found = takeKeysAhead(session);
  expect(takeKeysAhead(session)).toBeNull();
  for (const recipient of found?.recipients ?? []) recipient.forget?.();
  return found;
}

describe("stretching before the command is loaded", () => {
  it("is for keys that were stretched before, and only for these very ones", async () => {
    const node = await keyedNode("encrypt_key: HOME/a.key");
    node.file("a.key", `${KEY}\n`);
    expect(await begun(node)).toBeNull();
    await node.json("backup");
    expect((await begun(node))?.keys.map(({ label }) => label)).toEqual([node.path("a.key")]);
    node.file("b.key", `${KEY.toLowerCase()}\n`);
    expect(await begun(node, () => node.setKeys("encrypt_key: HOME/b.key"))).toBeNull();
    node.setKeys("encrypt_key: HOME/a.key");
    // By keys that were begun before.
    expect(await node.json("backup")).toMatchObject({ parent: expect.stringMatching(/^20/) });
    expect(await node.restored()).toBe("content of the node");
  });

  it("empties no key file, asks no command for one, and leaves it to the command to say what is wrong", async () => {
    const node = await keyedNode("encrypt_key: HOME/a.key");
    node.file("a.key", `${KEY}\n`);
    await node.json("backup");
    node.setKeys("encrypt_key: HOME/a.key\nconsume_key_file: true");
    expect(await begun(node)).toBeNull();
    expect(readFileSync(node.path("a.key"), "utf8")).toBe(`${KEY}\n`);
    node.setKeys("encrypt_key: HOME/a.key\nrefill_key_file: touch HOME/refilled");
    expect(await begun(node)).toBeNull();
    node.setKeys("encrypt_key: HOME/none.key");
    expect(await begun(node)).toBeNull();
    expect(await node.run(["backup"])).toMatchObject({ code: 4, stderr: expect.stringContaining("none.key") });
  });
});
