import { globSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { expect, it } from "vitest";
import { keyedNode } from "../../support/keyed-node.ts";

/** Every byte that whoever reads the vault sees, and every name of an object there. */
function everything(vault: string): Buffer {
  const paths = globSync(`${vault}/**/*`).filter((path) => statSync(path).isFile());
  return Buffer.concat(paths.flatMap((path) => [Buffer.from(`${path}\n`), readFileSync(path)]));
}

it.each(["aes", "sm4"])("finds no name and no content of a file, with %s", async (encryptor) => {
  const node = await keyedNode(`encrypt_key: HOME/a.key\nencryptor: ${encryptor}`);
  node.file("a.key", "0H#y@EGXPOAScAnB");
  const content = "words that nobody is to read";
  writeFileSync(join(node.data, "name-that-nobody-sees"), content);
  // Short enough to be stored as it is: what is compressed would hide its words from this test.
  await node.json("backup");
  const seen = everything(node.vault);
  expect(seen.length).toBeGreaterThan(64 << 10);
  for (const hidden of ["name-that-nobody-sees", content, "content of the node", "0H#y@EGXPOAScAnB"]) {
    for (const form of ["utf8", "base64", "base64url", "hex"] as const) {
      expect(seen.includes(Buffer.from(hidden).toString(form)), `${hidden} as ${form}`).toBe(false);
    }
  }
});

it("sees who, when, how much and for whom, which is said in the threat model", async () => {
  const node = await keyedNode(`keys: [${await identityToRecipient(await generateX25519Identity())}]`);
  const { snapshot } = await node.json<{ snapshot: string }>("backup", "--tag", "before-upgrade");
  const seen = everything(node.vault).toString("latin1");
  for (const shown of ["demo", snapshot, '"bytes":', '"started":', "before-upgrade", '"type":"age"']) {
    expect(seen).toContain(shown);
  }
});
