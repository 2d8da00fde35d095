import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runHere } from "../cli/run.ts";
import { tempDir } from "../support/tmp.ts";

const CONFIG = `version: 1
vault: file:///nowhere/vault
vault_id: AAECAwQFBgcICQoLDA0ODw
state_dir: /nowhere/state
encrypt_key: "0H#y@EGXPOAScAnB"
nodes:
  alpha: { profile: files, roots: { data: /nowhere/a }, service: { manager: none } }
  beta: { profile: files, roots: { data: /nowhere/b }, service: { manager: none } }
`;

/** Command lines that fail, and what people and programs read then. `@` stands for a folder with these files. */
const FILES: Readonly<Record<string, readonly [text: string, mode: number]>> = {
  "two.yaml": [CONFIG, 0o600],
  "wrong.yaml": [CONFIG.replace("profile: files", "profil: fils").replace("state_dir", "statedir"), 0o600],
  "open.yaml": [CONFIG, 0o644],
  "vaults.yaml": [
    CONFIG.replace(
      "vault: file:///nowhere/vault",
      "vaults: [{ name: near, url: file:///nowhere/near }, { name: far, url: file:///nowhere/far }]",
    ),
    0o600,
  ],
};
const LINES = [
  "bakup",
  "backup --ful",
  "backup extra",
  "backup --tag",
  "backup --log-format xml",
  'restore --at "yesterday"',
  "restore --max-age 5",
  "restore 2026 --height 12",
  "restore 2026 --height 12 --config @/two.yaml --node alpha",
  "restore lastest --config @/two.yaml --node alpha",
  "show abc --config @/two.yaml --node alpha",
  "list --limit 0",
  "verify --read",
  "--config @/two.yaml",
  "--confg @/two.yaml list",
  "verify latest --all",
  "show",
  "show latest --config @/none.yaml",
  "show latest --config @/two.yaml",
  "show latest --config @/two.yaml --node alpah",
  "list --config @/two.yaml --node alpha",
  "list --config @/vaults.yaml --node alpha --vault far",
  "list --config @/vaults.yaml --node alpha --vault fat",
  "list --config @/wrong.yaml",
  "list --config @/open.yaml",
  "init --config @/two.yaml --profile files",
  "init --config @/new.yaml --node demo",
  "init --config @/new.yaml --node demo --profile files --root data=/srv --vault /v --stop true",
  "--json list --config @/two.yaml",
];

it("errors read as written in errors.txt", async () => {
  const folder = tempDir("coldkeep-golden");
  for (const [name, [text, mode]] of Object.entries(FILES)) {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), mode);
  }
  const said: string[] = [];
  for (const line of LINES) {
    const words = line.replaceAll("@", folder).replaceAll('"', "").split(" ");
    const { code, stdout, stderr } = await runHere(words);
    expect(stdout).toBe("");
    said.push(`$ coldkeep ${line}\n${stderr.replaceAll(folder, "@")}[${code}]\n`);
  }
  await expect(said.join("\n")).toMatchFileSnapshot("errors.txt");
});
