import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { tempDir } from "../support/tmp.ts";
import { runHere } from "./run.ts";

interface Backup {
  readonly snapshot: string;
  readonly parent: string | null;
  readonly figures: { readonly read: number; readonly reused: number };
}

it("encryptor sm4: init, full and incremental backup, verify, restore; another encryptor starts anew", async () => {
  const dir = tempDir();
  const root = join(dir, "node");
  mkdirSync(root);
  for (let n = 0; n < 6; n++) writeFileSync(join(root, `f${n}`), Buffer.alloc(700_000, `content ${n} `));
  const config = join(dir, "config.yaml");
  const run = async <T>(...words: string[]): Promise<T> => {
    const { code, stdout, stderr } = await runHere([...words, "--json", "--config", config], { clock: systemClock });
    if (code !== 0) throw new Error(`coldkeep ${words.join(" ")} ended with ${code}: ${stderr}${stdout}`);
    return JSON.parse(stdout) as T;
  };
  const paths = [
    "--vault",
    `file://${join(dir, "vault")}`,
    "--state-dir",
    join(dir, "state"),
    "--root",
    `data=${root}`,
  ];
  const { checks } = await run<{ checks: { name: string; status: string; found: string }[] }>(
    ...["init", "--node", "n1", "--profile", "files", "--encryptor", "sm4", ...paths],
  );
  expect(checks.find(({ name }) => name === "cipher")).toMatchObject({ status: "ok", found: /^sm4-gcm by / });
  expect(readFileSync(join(dir, "coldkeep.key"), "utf8")).toMatch(/^ckkey1\.[\w-]{22}\.[\w-]{4}\n$/);

  const first = await run<Backup>("backup");
  appendFileSync(join(root, "f3"), "more");
  const second = await run<Backup>("backup");
  expect(second.parent).toBe(first.snapshot);
  expect(second.figures.reused).toBeGreaterThan(3_000_000);
  const data = join(dir, "vault", "n1", "data", second.snapshot);
  const keyFile = readFileSync(join(data, "key.json"), "utf8");
  expect(JSON.parse(keyFile)).toMatchObject({ suite: "sm4-gcm", slots: [{ stretch: { kdf: "none" } }] });
  for (const name of readdirSync(data).filter((file) => file.endsWith(".pack"))) {
    const pack = readFileSync(join(data, name));
    expect(pack[9]).toBe(2);
    expect(pack.includes("content")).toBe(false);
  }

  // The same key serves AES, too; nothing is shared across suites.
  writeFileSync(config, readFileSync(config, "utf8").replace("encryptor: sm4", "encryptor: aes"));
  const third = await run<Backup>("backup");
  expect(third).toMatchObject({ parent: null, figures: { reused: 0 } });
  // What was sealed with SM4 is read whatever the configuration says now.
  await run("verify", "--all", "--read-data");
  const to = join(dir, "copy");
  await run("restore", second.snapshot, "--to", to);
  execFileSync("diff", ["-r", root, join(to, "data")]);
}, 180_000);
