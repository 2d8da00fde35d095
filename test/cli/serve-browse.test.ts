import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { EXIT_CODES } from "../../agent/exit-codes.ts";
import { sharedTempDir, tempDir } from "../support/tmp.ts";
import { copyOf, type Host, makeHost } from "./host.ts";
import { type Served, serveHost } from "./serve.ts";

const home = sharedTempDir("coldkeep-serve-browse");
/** More than two batches of pieces. */
const LARGE = randomBytes(20_000_000);
const RAW = Buffer.from([0x6e, 0xff, 0x6d]);
const EVIL = `<img src=x onerror=alert(1)>"'&\r\nSet-Cookie: x=1;\u202egpj.html`;
let host: Host;
let snapshot = "";

beforeAll(async () => {
  host = await makeHost(home);
  const place = (...names: string[]) => join(host.data, ...names);
  mkdirSync(place("db", "deep"), { recursive: true });
  writeFileSync(place("db", "CURRENT"), "MANIFEST-000001\n");
  writeFileSync(place("db", "deep", "000001.log"), "one\n");
  writeFileSync(place("large"), LARGE);
  writeFileSync(place(EVIL), "<script>alert(1)</script>");
  writeFileSync(Buffer.concat([Buffer.from(`${host.data}/`), RAW]), "raw\n");
  linkSync(place("db", "CURRENT"), place("linked"));
  linkSync(place("db", "CURRENT"), place("db", "deep", "also"));
  symlinkSync("/etc/passwd", place("pointer"));
  const sparse = openSync(place("sparse"), "w");
  writeSync(sparse, "end", 3_000_000);
  ftruncateSync(sparse, 4_000_000);
  snapshot = (await host.json<{ snapshot: string }>("backup")).snapshot;
});

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Not all of it came. */
  readonly broken: boolean;
}

function get(url: string, headers: Record<string, string> = {}, method = "GET"): Promise<Got> {
  return new Promise((done, failed) => {
    const asked = request(url, { headers, method, agent: false }, (answer) => {
      const parts: Buffer[] = [];
      const end = () =>
        done({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: Buffer.concat(parts),
          broken: !answer.complete,
        });
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("error", end).on("end", end);
    });
    asked.on("error", failed);
    asked.end();
  });
}

/** A browser that has followed the link: asks for what lies below the place, with its cookie. */
async function enter(served: Served) {
  const welcome = await get(served.url);
  expect(welcome.status).toBe(200);
  const [cookie = ""] = welcome.headers["set-cookie"]?.[0]?.split(";") ?? [];
  const place = served.url.slice(0, served.url.indexOf("enter/"));
  return {
    place,
    cookie,
    ask: (path: string, headers = {}, method = "GET") => get(`${place}${path}`, { cookie, ...headers }, method),
  };
}

/** Where the links of a page lead, below the place; with what they say. */
function linksOf(page: Buffer, place: string): (readonly [to: string, words: string])[] {
  const start = new URL(place).pathname;
  return [...page.toString().matchAll(/<a href="([^"]*)">([^<]*)<\/a>/g)].map(([, to = "", words = ""]) => {
    expect(to.startsWith(start), to).toBe(true);
    return [to.slice(start.length), words];
  });
}

describe("coldkeep serve --browse", () => {
  it("leads from nodes to snapshots, folders and files, each sent byte for byte and never shown", async () => {
    const served = await serveHost(host, "--browse");
    const { ask, place } = await enter(served);
    const nodes = await ask("");
    expect(linksOf(nodes.body, place)).toEqual([["demo/", "demo"]]);
    const snapshots = await ask("demo/");
    expect(linksOf(snapshots.body, place)).toContainEqual([`demo/${snapshot}/folder/`, snapshot]);
    const top = await ask(`demo/${snapshot}/folder/`);
    expect(top.body.toString()).toContain(
      "verified: signed by the key that this host, its configuration or the ticket pins",
    );
    expect(linksOf(top.body, place)).toContainEqual([`demo/${snapshot}/folder/data`, "data/"]);
    const data = await ask(`demo/${snapshot}/folder/data`);
    const files = linksOf(data.body, place).filter(([to]) => to.includes("/file/"));
    expect(files.map(([, words]) => words)).toContain("n\\xffm");
    expect(files).toHaveLength(6);
    for (const [to] of files) {
      const file = await ask(to);
      const path = Buffer.from(
        to
          .slice(to.indexOf("/file/data/") + 11)
          .replace(/%(..)/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16))),
        "latin1",
      );
      const original = readFileSync(Buffer.concat([Buffer.from(`${host.data}/`), path]));
      expect(file.status).toBe(200);
      expect(file.body.equals(original), to).toBe(true);
      expect(file.headers).toMatchObject({
        "content-type": "application/octet-stream",
        "content-length": String(original.length),
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
      });
      expect(file.headers["content-disposition"]).toMatch(/^attachment; filename="/);
      expect(file.headers["set-cookie"]).toBeUndefined();
    }
    expect(served.log()).toMatch(new RegExp(`info sent node=demo snapshot=${snapshot} path=data/large bytes=20000000`));
    expect(data.body.toString()).not.toContain("<img");
    expect(data.body.toString()).toContain("&lt;img src=x onerror=alert(1)&gt;");
    expect(data.headers["content-security-policy"]).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; img-src data:; base/,
    );
  });

  it("sends spans of a file, and headers alone", async () => {
    const { ask } = await enter(await serveHost(host, "--browse"));
    const large = `demo/${snapshot}/file/data/large`;
    for (const [range, first, last] of [
      ["bytes=0-0", 0, 0],
      ["bytes=4194300-12582999", 4_194_300, 12_582_999],
      ["bytes=19999990-", 19_999_990, 19_999_999],
      ["bytes=-7", 19_999_993, 19_999_999],
    ] as const) {
      const part = await ask(large, { range });
      expect(part.status).toBe(206);
      expect(part.headers["content-range"]).toBe(`bytes ${first}-${last}/20000000`);
      expect(part.body.equals(LARGE.subarray(first, last + 1)), range).toBe(true);
    }
    const sparse = Buffer.alloc(4_000_000);
    sparse.write("end", 3_000_000);
    const part = await ask(`demo/${snapshot}/file/data/sparse`, { range: "bytes=2999990-3000010" });
    expect(part.body.equals(sparse.subarray(2_999_990, 3_000_011))).toBe(true);
    expect(await ask(large, { range: "bytes=20000000-" })).toMatchObject({ status: 416, body: Buffer.alloc(0) });
    const head = await ask(large, {}, "HEAD");
    expect(head.body.length).toBe(0);
    expect(head.headers["content-length"]).toBe("20000000");
  });

  it("sends a folder as tar, with what its links outside share, and the whole snapshot", async () => {
    const { ask } = await enter(await serveHost(host, "--browse"));
    const unpack = async (address: string) => {
      const to = tempDir("coldkeep-untar");
      const { body, headers, broken } = await ask(address);
      expect(broken).toBe(false);
      writeFileSync(join(to, "it.tar"), body);
      execFileSync("tar", ["-xf", "it.tar"], { cwd: to, stdio: "pipe" });
      return { to, name: headers["content-disposition"] };
    };
    const deep = await unpack(`demo/${snapshot}/tar/data/db/deep`);
    expect(deep.name).toContain(`filename="demo-${snapshot}-deep.tar"`);
    expect(readFileSync(join(deep.to, "deep", "000001.log"), "utf8")).toBe("one\n");
    expect(readFileSync(join(deep.to, "deep", "also"), "utf8"), "its first name lies elsewhere").toBe(
      "MANIFEST-000001\n",
    );
    const all = await unpack(`demo/${snapshot}/tar/`);
    execFileSync("diff", ["-r", "--no-dereference", join(all.to, "data"), host.data], { stdio: "pipe" });
    const inode = (name: string) => statSync(join(all.to, "data", name)).ino;
    expect(inode("linked")).toBe(inode("db/CURRENT"));
    expect((await ask(`demo/${snapshot}/tar/data/large`)).status).toBe(404);
  });

  it("answers nobody without the link, by another name of this machine, from another page, or who would change something", async () => {
    const served = await serveHost(host, "--browse");
    const { place, cookie, ask } = await enter(served);
    const file = `demo/${snapshot}/file/data/db/CURRENT`;
    const refused = async (got: Promise<Got>, status = 403) => {
      const { status: found, body, headers } = await got;
      expect(found).toBe(status);
      expect(body.toString()).not.toContain("MANIFEST");
      expect(headers["set-cookie"]).toBeUndefined();
      expect(headers["x-content-type-options"]).toBe("nosniff");
    };
    await refused(get(`${place}${file}`));
    await refused(get(`${place}${file}`, { cookie: `${cookie}x` }));
    await refused(get(`${place}${file}`, { cookie, host: "evil.example" }));
    await refused(get(`${place}${file}`, { cookie, "sec-fetch-site": "same-site" }));
    await refused(get(`${place}${file}`, { cookie }, "POST"), 405);
    await refused(get(`${place}${file}`, { cookie }, "DELETE"), 405);
    await refused(get(served.url), 403);
    await refused(get(served.url.replace(/enter\/.*/, `enter/${"A".repeat(43)}`)));
    await refused(get(`${new URL(place).origin}/${"A".repeat(22)}/${file}`, { cookie }), 404);
    const [, next = ""] = [...served.log().matchAll(/good once url=(\S+)/g)].map(([, url = ""]) => url);
    await refused(get(next, { host: "evil.example" }));
    expect((await get(next, {}, "HEAD")).headers["set-cookie"]).toBeUndefined();
    expect((await get(next)).headers["set-cookie"]).toHaveLength(1);
    for (const path of [
      "",
      "../../etc/passwd",
      "%2e%2e/%2e%2e/etc/passwd",
      "data/../../../etc/passwd",
      "data/pointer",
      "data/db",
      "data/large/x",
      "nothing",
    ]) {
      await refused(ask(`demo/${snapshot}/file/${path}`), 404);
    }
    await refused(ask(`demo/${snapshot}/folder/data/large`), 404);
    await refused(ask(`other/${snapshot}/folder/`), 404);
    await refused(ask(`demo/20260115T000000Z-bh1-0123456789abcdef/folder/`), 404);
    expect(served.log()).toMatch(/ info refused why="Not from there" host=evil\.example/);
    expect(served.log()).not.toContain(cookie.slice("coldkeep=".length));
  });

  it("forgets its keys once nobody looks, reads them again, and says where it cannot", async () => {
    const timers = vi.spyOn(globalThis, "setTimeout");
    onTestFinished(() => timers.mockRestore());
    const copy = copyOf(host, tempDir("coldkeep-serve-browse"));
    const served = await serveHost(copy, "--browse");
    const { ask } = await enter(served);
    const folder = `demo/${snapshot}/folder/`;
    expect((await ask(folder)).status).toBe(200);
    renameSync(copy.key, `${copy.key}.away`);
    expect((await ask(folder)).status, "still open").toBe(200);
    const idle = timers.mock.calls.filter(([, after]) => after === 600_000).at(-1)?.[0];
    idle?.();
    expect(served.log()).toContain("info keys forgotten");
    const locked = await ask(folder);
    expect(locked.body.toString()).toContain("coldkeep.key");
    expect(locked.status).toBe(403);
    renameSync(`${copy.key}.away`, copy.key);
    expect((await ask(folder)).status).toBe(200);
  });

  it("breaks off where a piece is damaged, and gives nothing of it", async () => {
    const copy = copyOf(host, tempDir("coldkeep-serve-browse"));
    const data = join(copy.vault, "demo", "data", snapshot);
    const packs = readdirSync(data).filter((name) => name.endsWith(".pack"));
    const size = (name: string) => statSync(join(data, name)).size;
    const [largest = ""] = packs.sort((a, b) => size(b) - size(a));
    const bytes = readFileSync(join(data, largest));
    const at = bytes.length - 1_000_000;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    chmodSync(join(data, largest), 0o600);
    writeFileSync(join(data, largest), bytes);
    const served = await serveHost(copy, "--browse");
    const { ask } = await enter(served);
    const got = await ask(`demo/${snapshot}/file/data/large`);
    const whole = got.status === 200 && !got.broken;
    expect(whole).toBe(false);
    if (got.status === 200) expect(LARGE.subarray(0, got.body.length).equals(got.body)).toBe(true);
    expect(served.log()).toContain(largest);
  });

  it.each([
    [["--listen", "0.0.0.0:0"], EXIT_CODES.refused.code],
    [["--listen", "[::]:0"], EXIT_CODES.refused.code],
    [["--listen", "192.0.2.1:0"], EXIT_CODES.refused.code],
    [["--listen", "127.evil.example:0"], EXIT_CODES.refused.code],
    [["--tls-cert", "/cert.pem", "--tls-key", "/key.pem"], EXIT_CODES.usage.code],
    [["--ticket-key", "/key"], EXIT_CODES.usage.code],
    [["--identity", "/nowhere.key", "--node", "nobody"], EXIT_CODES.usage.code],
  ])("is refused with %j", async (words, code) => {
    expect((await host.failure("serve", "--browse", ...words)).exit_code).toBe(code);
  });

  it("takes a key only where it shows snapshots", async () => {
    expect((await host.failure("serve", "--identity", host.key)).message).toContain("--identity is for --browse");
  });
});
