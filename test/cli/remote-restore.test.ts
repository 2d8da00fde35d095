import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { sharedTempDir, tempDir } from "../support/tmp.ts";
import { copyOf, type Host, makeHost } from "./host.ts";
import { type Ran, runHere } from "./run.ts";
import { serveHost } from "./serve.ts";

interface Made {
  readonly ticket: { readonly tid: string; readonly snapshot?: string };
  readonly file: string;
}

const home = sharedTempDir("coldkeep-remote");
let host: Host;
let first = "";
let second = "";

beforeAll(async () => {
  host = await makeHost(home, { height: 1100 });
  first = (await host.json<{ snapshot: string }>("backup")).snapshot;
  writeFileSync(join(host.data, "small"), "hello again\n");
  second = (await host.json<{ snapshot: string }>("backup")).snapshot;
});

const fresh = () => copyOf(host, tempDir("coldkeep-remote"));

/** A restore on another machine: no configuration, no vault, a home of its own; ticket and key file are all it has. */
async function elsewhere(from: Host, words: readonly string[], change = {}): Promise<Ran & { to: string }> {
  const there = tempDir("coldkeep-elsewhere");
  mkdirSync(join(there, "home"));
  const to = join(there, "restored");
  const config = join(there, "none.yaml");
  writeFileSync(
    config,
    `version: 1\nvault: file://${there}/no-vault\nstate_dir: ${there}/state\nencrypt_key: ${from.key}\nnodes:\n  ${from.node}: { profile: files, roots: { data: ${there}/data }, service: { manager: none } }\n`,
    { mode: 0o600 },
  );
  const ran = await runHere(["restore", ...words, "--to", to, "--config", config], { clock: systemClock, ...change });
  return { ...ran, to };
}

async function ticket(copy: Host, ...words: string[]): Promise<Made> {
  const file = join(copy.home, `${Math.random()}.ticket`);
  return copy.json<Made>("ticket", "create", "--expires", "1h", "--to", file, ...words);
}

describe("a restore through `coldkeep serve`", () => {
  it("brings the latest snapshot to a host that has a ticket and a key, and nothing else", async () => {
    const copy = fresh();
    const { file } = await ticket(copy);
    const served = await serveHost(copy);
    const { code, stderr, stdout, to } = await elsewhere(copy, ["--from", served.url, "--ticket-file", file]);
    expect([code, stderr]).toEqual([0, expect.anything()]);
    for (const name of ["small", "large"]) {
      expect(readFileSync(join(to, "data", name)).equals(readFileSync(join(copy.data, name)))).toBe(true);
    }
    expect(stdout).toContain("verified: signed by the key that this host, its configuration or the ticket pins");
    expect(stdout).toContain(second);
    expect(served.log()).toContain("plan");
    expect(served.log()).not.toContain("ckt1.");
    expect(readFileSync(file, "utf8")).toMatch(/^ckt1\./);
  });

  it("takes an older one by id, height and time, and a ticket's own where it has one", async () => {
    const copy = fresh();
    const { file } = await ticket(copy);
    const one = await ticket(copy, "--snapshot", first);
    const served = await serveHost(copy);
    for (const words of [[first], [first.slice(0, 20) === second.slice(0, 20) ? first : first.slice(0, 20)]]) {
      const { code, stdout, stderr } = await elsewhere(copy, [...words, "--from", served.url, "--ticket-file", file]);
      expect(code, stderr).toBe(0);
      expect(stdout).toContain(first);
    }
    const height = await elsewhere(copy, ["--height", "1100", "--from", served.url, "--ticket-file", file]);
    expect(height.stdout).toContain(second);
    const latest = await elsewhere(copy, ["--from", served.url, "--ticket-file", one.file]);
    expect([latest.code, latest.stdout]).toEqual([0, expect.stringContaining(first)]);
    const other = await elsewhere(copy, [second, "--from", served.url, "--ticket-file", one.file]);
    expect([other.code, other.stderr]).toEqual([14, expect.stringContaining("the ticket does not cover this")]);
  });

  it("is refused once the ticket is revoked, was changed, or is for another node", async () => {
    const copy = fresh();
    const made = await ticket(copy);
    await copy.json("ticket", "revoke", made.ticket.tid);
    const served = await serveHost(copy);
    const revoked = await elsewhere(copy, ["--from", served.url, "--ticket-file", made.file]);
    expect([revoked.code, revoked.stderr]).toEqual([14, expect.stringContaining("it was revoked")]);
    const { file } = await ticket(copy);
    const text = readFileSync(file, "utf8").trim();
    writeFileSync(file, `${text.slice(0, -1)}${text.endsWith("A") ? "E" : "A"}\n`);
    const changed = await elsewhere(copy, ["--from", served.url, "--ticket-file", file]);
    expect(changed.code).toBe(14);
    writeFileSync(file, text.slice(0, -5));
    expect((await elsewhere(copy, ["--from", served.url, "--ticket-file", file])).code).toBe(2);
    const other = await makeHost(tempDir("coldkeep-other"), { node: "other" });
    const foreign = await elsewhere(other, ["--from", served.url, "--ticket-file", made.file]);
    expect([foreign.code, foreign.stderr]).toEqual([2, expect.stringContaining("the ticket is for another node")]);
  });

  it("shows a ticket nowhere, even one that is given where it must not be", async () => {
    const copy = fresh();
    const { file } = await ticket(copy);
    const text = readFileSync(file, "utf8").trim();
    for (const words of [
      ["--from", "http://127.0.0.1:1", "--ticket-file", text],
      ["--from", `http://127.0.0.1:1/?t=${text}`, "--ticket-file", file],
      [text, "--from", "http://127.0.0.1:1", "--ticket-file", file],
      ["--from", "http://198.51.100.1", "--ticket-file", file],
      ["--ticket-file", file],
    ]) {
      for (const json of [[], ["--json"], ["-v"]]) {
        const { code, stdout, stderr } = await elsewhere(copy, [...words, ...json]);
        expect(code).toBe(2);
        expect(stdout + stderr).not.toContain(text.slice(0, 30));
      }
    }
  });
});

describe("a share", () => {
  /** A node with a secret file, in two snapshots; the second uses packs of the first. */
  async function withSecret() {
    const there = await makeHost(tempDir("coldkeep-share"));
    mkdirSync(join(there.data, "keys"));
    writeFileSync(join(there.data, "keys", "identity"), "the node's own identity\n");
    there.change(/^( +)roots:/m, '$1secret: ["**/keys/*"]\n$&');
    await there.json("backup");
    writeFileSync(join(there.data, "small"), "hello again\n");
    const { snapshot } = await there.json<{ snapshot: string }>("backup");
    return { there, snapshot };
  }

  interface SharedDocument {
    readonly share: { readonly tid: string; readonly snapshot: string };
    readonly gives: { readonly packs: number; readonly leftOut: number; readonly origins: readonly string[] };
  }

  async function shareOf(there: Host, ...words: string[]) {
    const file = join(there.home, `${Math.random()}.share`);
    const made = await there.json<SharedDocument>("share", "latest", "--expires", "1h", "--to", file, ...words);
    return { file, ...made };
  }

  /** Somebody without any key. */
  async function stranger(words: readonly string[]): Promise<Ran & { to: string }> {
    const home = tempDir("coldkeep-stranger");
    const to = join(home, "restored");
    const env = { HOME: home, XDG_STATE_HOME: join(home, "state") };
    return { ...(await runHere(["restore", "--to", to, ...words], { clock: systemClock, env })), to };
  }

  it("restores one snapshot for somebody without any key or configuration, but no secret file", async () => {
    const { there, snapshot } = await withSecret();
    const { file, gives, share } = await shareOf(there);
    expect(share.snapshot).toBe(snapshot);
    expect(gives.leftOut).toBeGreaterThan(0);
    expect(gives.origins).toHaveLength(1);
    const served = await serveHost(there);
    const { code, stderr, stdout, to } = await stranger(["--from", served.url, "--share-file", file]);
    expect(code, stderr).toBe(0);
    for (const name of ["small", "large"]) {
      expect(readFileSync(join(to, "data", name)).equals(readFileSync(join(there.data, name)))).toBe(true);
    }
    expect(existsSync(join(to, "data", "keys", "identity"))).toBe(false);
    expect(stdout).toContain(`share ${share.tid}`);
    const token = readFileSync(file, "utf8").trim();
    const key = token.slice(token.lastIndexOf(".") + 1);
    expect(served.log() + stdout + stderr).not.toContain(key);
    expect(served.log()).not.toContain("ckshare1");
  });

  it("gives secret files where that was asked for", async () => {
    const { there } = await withSecret();
    const { file, gives } = await shareOf(there, "--include-secrets");
    expect(gives.leftOut).toBe(0);
    const { url } = await serveHost(there);
    const { code, stderr, to } = await stranger(["--from", url, "--share-file", file]);
    expect(code, stderr).toBe(0);
    expect(readFileSync(join(to, "data", "keys", "identity"), "utf8")).toBe("the node's own identity\n");
  });

  it("opens nothing with another share's key, and nothing once it is revoked", async () => {
    const { there } = await withSecret();
    const one = await shareOf(there);
    const other = await shareOf(there);
    const { url } = await serveHost(there);
    const [mine = "", theirs = ""] = [one, other].map(({ file }) => readFileSync(file, "utf8").trim());
    const mixed = join(there.home, "mixed");
    writeFileSync(mixed, `${mine.slice(0, mine.lastIndexOf("."))}${theirs.slice(theirs.lastIndexOf("."))}\n`);
    const wrong = await stranger(["--from", url, "--share-file", mixed]);
    expect([wrong.code, wrong.stderr]).toEqual([9, expect.stringContaining("wrong key or damaged header")]);
    const list = async () =>
      (await there.json<{ shares: { tid: string }[] }>("share", "list")).shares.map(({ tid }) => tid);
    expect([...(await list())].sort()).toEqual([one.share.tid, other.share.tid].sort());
    await there.json("share", "revoke", one.share.tid);
    expect(await list()).toEqual([other.share.tid]);
    const { url: fresh } = await serveHost(there);
    const revoked = await stranger(["--from", fresh, "--share-file", one.file]);
    expect([revoked.code, revoked.stderr]).toEqual([14, expect.stringContaining("it was revoked")]);
  });

  it("is not taken where a ticket is meant, and says nothing of itself", async () => {
    const { there } = await withSecret();
    const { file } = await shareOf(there);
    const { url } = await serveHost(there);
    const token = readFileSync(file, "utf8").trim();
    for (const words of [
      ["--from", url, "--ticket-file", file],
      ["--from", url, "--share-file", token],
      ["--from", url, "--share-file", file, "--ticket-file", file],
    ]) {
      const { code, stdout, stderr } = await stranger(words);
      expect(code).toBe(2);
      expect(stdout + stderr).not.toContain(token.slice(9, 60));
    }
    const asked = await fetch(`${url}/nodes`, { headers: { authorization: `Bearer ${token}` } });
    expect(asked.status).toBe(401);
  });
});
