import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { tempDir } from "../support/tmp.ts";
import { type Host, makeHost } from "./host.ts";

interface Done {
  readonly snapshot: string;
  readonly vaults: readonly { readonly name: string; readonly outcome: string; readonly error?: string }[];
}

/** A host that has fed one vault once, and is to feed `local` and `second` from now on. */
async function twoVaults(): Promise<Host & { readonly second: string }> {
  const host = await makeHost(tempDir());
  await host.json("backup");
  const second = join(host.home, "second");
  mkdirSync(second, { mode: 0o700 });
  host.change(
    /^vault: .*$/m,
    `vaults:\n  - { name: local, url: "file://${host.vault}" }\n  - { name: second, url: "file://${second}" }`,
  );
  return { ...host, second };
}

const outcomes = ({ vaults }: Done) => vaults.map(({ name, outcome }) => `${name} ${outcome}`);
const listed = async (host: Host, vault: string) =>
  (await host.json<{ snapshots: { snapshot: string }[] }>("list", "--vault", vault)).snapshots.map((s) => s.snapshot);

it("brings a new vault up, then feeds both from one freeze; either restores alone", async () => {
  const host = await twoVaults();
  const first = await host.json<Done>("backup");
  expect(outcomes(first)).toEqual(["local stored", "second copied"]);
  appendFileSync(join(host.data, "small"), "more\n");
  const next = await host.json<Done>("backup");
  expect(outcomes(next)).toEqual(["local stored", "second stored"]);
  expect(await listed(host, "second")).toEqual([next.snapshot, first.snapshot]);
  renameSync(host.vault, `${host.vault}.gone`);
  await host.json("verify", "--all", "--read-data", "--vault", "second");
  await host.json("restore", "latest", "--to", join(host.home, "back"), "--vault", "second");
  expect(readFileSync(join(host.home, "back/data/small"), "utf8")).toBe("hello\nmore\n");
});

it("stores in the vault that is there, says so by its exit code, and brings the other up when it is back", async () => {
  const host = await twoVaults();
  await host.json<Done>("backup");
  expect(await listed(host, "second")).toHaveLength(1);
  renameSync(host.second, `${host.second}.gone`);
  writeFileSync(join(host.data, "new"), "while it was gone\n");
  const { code, stdout, stderr } = await host.run(["backup", "--json"]);
  expect(code).toBe(17);
  expect(stderr).toContain("the snapshot is not in every vault");
  expect(outcomes(JSON.parse(stdout) as Done)).toEqual(["local stored", "second failed"]);
  expect(host.isUp()).toBe(true);
  renameSync(`${host.second}.gone`, host.second);
  expect(outcomes(await host.json<Done>("backup"))).toEqual(["local stored", "second copied"]);
  expect(outcomes(await host.json<Done>("backup"))).toEqual(["local stored", "second stored"]);
  expect(await listed(host, "second")).toEqual((await listed(host, "local")).slice(0, -1));
  await host.json("verify", "--all", "--read-data", "--vault", "second");
  expect(readdirSync(join(host.second, ".tmp"))).toEqual([]);
});

it("waits for a vault that is away as long as `retry_for` says, then goes on with the other", async () => {
  const host = await makeHost(tempDir());
  const away = '{ name: away, url: "s3://bucket/p", endpoint: "http://127.0.0.1:1", retry_for: 1s }';
  host.change(/^vault: .*$/m, `vaults:\n  - { name: local, url: "file://${host.vault}" }\n  - ${away}`);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  onTestFinished(() => void vi.unstubAllEnvs());
  const { code, stdout, stderr } = await host.run(["backup", "--json"]);
  expect(code, stderr).toBe(17);
  expect(outcomes(JSON.parse(stdout) as Done)).toEqual(["local stored", "away failed"]);
  expect(stdout).toContain("ECONNREFUSED");
  expect(host.isUp()).toBe(true);
});

it("fails where no vault is there, before the node is touched", async () => {
  const host = await twoVaults();
  renameSync(host.vault, `${host.vault}.gone`);
  renameSync(host.second, `${host.second}.gone`);
  expect(await host.failure("backup")).toMatchObject({ kind: "vault" });
  expect(host.isUp()).toBe(true);
});
