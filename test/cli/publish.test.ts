import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { EXIT_CODES } from "../../agent/exit-codes.ts";
import { publicPage } from "../../agent/report/index.ts";
import { sharedTempDir, tempDir } from "../support/tmp.ts";
import { copyOf, type Host, makeHost } from "./host.ts";
import { serveHost } from "./serve.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
const URL_THERE = "https://snapshots.example/demo";

interface Published {
  readonly published: { readonly tid: string; readonly snapshot: string };
  readonly folder: string;
  readonly line: string;
}

const home = sharedTempDir("coldkeep-publish");
let host: Host;
beforeAll(async () => {
  host = await makeHost(home, { height: 1100 });
  writeFileSync(join(host.data, "priv_key"), "mine\n");
  host.change(/^( +)when_down:/m, "$1secret: [priv_key]\n$&");
  await host.json("backup");
});

async function publish(copy: Host, from: string): Promise<Published> {
  const folder = join(copy.home, "public");
  const words = ["latest", "--expires", "7d", "--from", from, "--url", URL_THERE, "--to", folder];
  return copy.json<Published>("publish", ...words);
}

/** What a web server does with the folder. */
async function serveFolder(folder: string): Promise<string> {
  const server = createServer((request, answer) => {
    const path = join(folder, (request.url ?? "/").slice(1));
    if (existsSync(path)) answer.end(readFileSync(path));
    else answer.writeHead(404).end();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("coldkeep publish", () => {
  it("makes a folder by whose line anybody restores, without what is secret, until it is revoked", async () => {
    const copy = copyOf(host, tempDir("coldkeep-publish"));
    const served = await serveHost(copy);
    const { published, folder, line } = await publish(copy, served.url);
    expect(readdirSync(folder).sort()).toEqual(["demo.share", "index.html"]);
    const page = await serveFolder(folder);
    const there = tempDir("coldkeep-anybody");
    mkdirSync(join(there, "bin"));
    const node = join(PROJECT, "node_modules/.bin/node");
    const program = `#!/bin/sh\nexec ${node} ${join(PROJECT, "bin/coldkeep.mjs")} "$@"\n`;
    writeFileSync(join(there, "bin", "coldkeep"), program);
    chmodSync(join(there, "bin", "coldkeep"), 0o755);
    const typed = (to: string, from: string) =>
      line.replace(URL_THERE, page).replace(served.url, from).replace("FOLDER", to);
    const type = async (to: string, from = served.url) =>
      promisify(execFile)("sh", ["-c", typed(to, from)], {
        cwd: there,
        env: { PATH: `${join(there, "bin")}:${process.env.PATH}`, HOME: there },
      });
    await type("restored");
    const read = (name: string) => readFileSync(join(there, "restored", "data", name));
    expect(read("large").equals(readFileSync(join(copy.data, "large")))).toBe(true);
    expect(existsSync(join(there, "restored", "data", "priv_key"))).toBe(false);

    const { shares } = await copy.json<{ shares: object[] }>("publish", "list");
    expect(shares).toMatchObject([{ tid: published.tid, state: "valid", url: URL_THERE }]);
    expect((await copy.run(["share", "list"])).stdout).toContain(`${published.snapshot}  ${URL_THERE}`);
    await copy.json("publish", "revoke", published.tid);
    expect(await copy.json("publish", "list")).toMatchObject({ shares: [] });
    // Another presenter: this one knows within a minute.
    const again = await serveHost(copy);
    await expect(type("later", again.url)).rejects.toThrow(/it was revoked/);
  });

  it("says what it gives away and to whom, and shows on the page what a reader needs", async () => {
    const copy = copyOf(host, tempDir("coldkeep-publish"));
    const folder = join(copy.home, "public");
    const words = ["publish", "latest", "--expires", "7d", "--from", "https://r.example", "--url", URL_THERE];
    const { code, stdout, stderr } = await copy.run([...words, "--to", folder]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^gives +all names and paths, and [\d.]+ kB in 3 files$/m);
    expect(stdout).toMatch(/^left out +secret files, in 1 pack$/m);
    expect(stdout).toMatch(/^to +everybody who ever sees the page$/m);
    const page = readFileSync(join(folder, "index.html"), "utf8");
    expect(page).toContain("<tr><th>Height</th><td>1,100</td></tr>");
    expect(page).toContain("https://snapshots.example/demo/demo.share");
    expect(page).not.toMatch(/<script|ckshare1/);
    expect((await copy.failure(...words, "--to", folder)).exit_code).toBe(EXIT_CODES.usage.code);
    expect((await copy.failure(...words.slice(0, -1), "http://x.example", "--to", "new")).exit_code).toBe(
      EXIT_CODES.usage.code,
    );
  });

  it("lets nothing on the page be more than text, and names the one style that it may have", () => {
    const evil = `</td><script>alert("1")</script>&'`;
    const page = publicPage({ title: evil, rows: [[evil, evil]], line: evil, notes: [evil] });
    expect(page).not.toContain("<script>");
    expect(page.match(/&lt;script&gt;alert\(&quot;1&quot;\)&lt;\/script&gt;&amp;&#39;/g)).toHaveLength(6);
    expect(page).toMatch(
      /content="default-src 'none'; style-src 'sha256-[\w+/=]{44}'; base-uri 'none'; form-action 'none'"/,
    );
  });
});
