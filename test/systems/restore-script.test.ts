import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type Host, makeHost } from "../cli/host.ts";
import { serveHost } from "../cli/serve.ts";
import { sharedTempDir, tempDir } from "../support/tmp.ts";
import { packaged } from "./support/package.ts";

/** What the line and the script need; a fresh host has no more here. */
const TOOLS = [
  ...["curl", "tar", "gzip", "mktemp", "uname", "df", "awk", "sha256sum"],
  ...["cat", "rm", "mkdir", "dirname", "readlink", "sed"],
];
const SHELLS: readonly (readonly [name: string, words: readonly string[]])[] = [
  ["dash", ["dash"]],
  ["busybox sh", ["busybox", "sh"]],
  ["bash, as sh", ["bash", "--posix"]],
];

const folder = sharedTempDir("coldkeep-script");
let host: Host;
let tarball = "";

beforeAll(async () => {
  tarball = packaged(".tar.gz");
  host = await makeHost(folder, { height: 7 });
  await host.json("backup");
}, 600_000);

/** Where a program is; null where this machine has none. */
function findTool(name: string): string | null {
  const places = (process.env.PATH ?? "").split(delimiter).map((place) => join(place, name));
  return places.find((place) => existsSync(place) && !place.includes("node_modules")) ?? null;
}

interface Fresh {
  readonly home: string;
  readonly bin: string;
  run(shell: readonly string[], line: string): Promise<{ code: number; said: string }>;
}

/** A host with a few tools, an empty home and an empty environment. */
function freshHost(without: readonly string[] = []): Fresh {
  const home = tempDir("coldkeep-fresh");
  const bin = join(home, "bin");
  mkdirSync(bin);
  mkdirSync(join(home, "tmp"));
  for (const tool of [...TOOLS, "dash", "busybox", "bash"].filter((name) => !without.includes(name))) {
    const found = findTool(tool);
    if (found !== null) symlinkSync(found, join(bin, tool));
  }
  return {
    home,
    bin,
    async run([shell = "", ...words], line) {
      // The line itself calls sh, which is to be the same shell; busybox goes by its name.
      rmSync(join(bin, "sh"), { force: true });
      symlinkSync(findTool(shell) ?? "", join(bin, "sh"));
      const env = { PATH: bin, HOME: home, TMPDIR: join(home, "tmp"), XDG_STATE_HOME: join(home, "state") };
      const child = spawn(join(bin, shell), [...words, "-c", line], {
        cwd: home,
        env,
        stdio: ["ignore", "pipe", "pipe"],
      });
      let said = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (bytes: Buffer) => (said += bytes.toString()));
      const [code] = (await once(child, "close")) as [number];
      return { code, said };
    },
  };
}

interface Made {
  readonly line: string;
  readonly file: string;
}

async function lineFor(fresh: Fresh, url: string, agent: string): Promise<Made> {
  const file = join(fresh.home, "icon.ticket");
  const made = ["ticket", "create", "--expires", "1h", "--to", file, "--from", url, "--agent", agent];
  const { line } = await host.json<{ line: string }>(...made);
  return { file, line: line.replace("KEY", host.key).replace("FOLDER", join(fresh.home, "restored")) };
}

describe("the line that `ticket create` prints, on a host with nothing but a shell, curl and a few tools", () => {
  for (const [name, shell] of SHELLS) {
    const there = findTool(shell[0] ?? "") !== null;
    it.skipIf(!there)(`restores by ${name}${there ? "" : " (not installed)"}`, { timeout: 240_000 }, async () => {
      const fresh = freshHost();
      const { url } = await serveHost(host);
      const { line } = await lineFor(fresh, url, tarball);
      const { code, said } = await fresh.run(shell, line);
      expect(code, said).toBe(0);
      for (const file of ["small", "large"]) {
        const restored = readFileSync(join(fresh.home, "restored", "data", file));
        expect(restored.equals(readFileSync(join(host.data, file)))).toBe(true);
      }
      expect(said).not.toContain("ckt1.");
      expect(said).toContain("Nothing tells here where demo has these folders, nor how it is started");
      // What was fetched is gone again.
      expect(readdirSync(join(fresh.home, "tmp"))).toEqual([]);
    });
  }

  it("restores in place where the configuration is there: it ends with the node running, its height checked", {
    timeout: 240_000,
  }, async () => {
    const fresh = freshHost();
    const { url } = await serveHost(host);
    const { line } = await lineFor(fresh, url, tarball);
    const refused = await fresh.run(["dash"], `${line} --wait-healthy`);
    expect(refused.code).toBe(2);
    expect(refused.said).toContain("no configuration tells where its folders are and how it is started");
    const [up, data] = [join(fresh.home, "up"), join(fresh.home, "node", "data")];
    mkdirSync(join(fresh.home, "node"));
    const config = join(fresh.home, "config.yaml");
    writeFileSync(
      config,
      `version: 1
vault: file://${fresh.home}/no-vault
state_dir: ${fresh.home}/state
encrypt_key: ${host.key}
nodes:
  demo:
    profile: files
    roots: { data: ${data} }
    service: { manager: command, stop: "rm ${up}", start: ": >${up}", is_running: "[ -e ${up} ]" }
    height: { command: "[ -e ${up} ] && echo 7" }
`,
      { mode: 0o600 },
    );
    const there = line.replace(/ --identity .*$/, ` --config ${config} --wait-healthy`);
    const { code, said } = await fresh.run(["dash"], there);
    expect(code, said).toBe(0);
    expect(said).toMatch(/demo runs again and is well after .*, at height 7, its snapshot's is 7\./);
    expect(existsSync(up)).toBe(true);
    for (const file of ["small", "large"])
      expect(readFileSync(join(data, file)).equals(readFileSync(join(host.data, file)))).toBe(true);
  });

  it("restores a published snapshot by the page's line, without any key", { timeout: 240_000 }, async () => {
    const fresh = freshHost();
    const { url } = await serveHost(host);
    const folder = join(tempDir("coldkeep-public"), "page");
    const server = createServer((request, answer) => {
      const path = join(folder, (request.url ?? "/").slice(1));
      if (existsSync(path)) answer.end(readFileSync(path));
      else answer.writeHead(404).end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    // A page is published by https alone; what stands before its server there is not of interest here.
    const there = "https://snapshots.example/demo";
    const words = ["latest", "--expires", "1d", "--from", url, "--url", there, "--to", folder, "--agent", tarball];
    const published = await host.json<{ line: string }>("publish", ...words);
    const here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const line = published.line.replaceAll(there, here);
    expect(readdirSync(folder).sort()).toEqual(["demo.share", "index.html", "restore.sh"]);
    expect(readFileSync(join(folder, "index.html"), "utf8")).toContain("sha256sum -c -");
    const typed = line.replace("FOLDER", join(fresh.home, "restored"));
    const { code, said } = await fresh.run(["dash"], typed);
    expect(code, said).toBe(0);
    for (const file of ["small", "large"]) {
      const restored = readFileSync(join(fresh.home, "restored", "data", file));
      expect(restored.equals(readFileSync(join(host.data, file)))).toBe(true);
    }
    expect(said).not.toContain("ckshare1.");
    // Whoever can write to the page's place changes the script.
    writeFileSync(join(folder, "restore.sh"), "echo changed\n");
    const other = freshHost();
    const changed = await other.run(["dash"], line.replace("FOLDER", join(other.home, "restored")));
    expect(changed.code).not.toBe(0);
    expect(changed.said).not.toMatch(/^changed$/m);
    expect(existsSync(join(other.home, "restored"))).toBe(false);
  });

  it("names the tool that is missing, and runs nothing", { timeout: 240_000 }, async () => {
    const fresh = freshHost(["awk"]);
    const { url } = await serveHost(host);
    const { code, said } = await fresh.run(["dash"], (await lineFor(fresh, url, tarball)).line);
    expect([code, said]).toEqual([1, expect.stringContaining("restore.sh: awk is missing")]);
  });

  it("stops where the script or the package is another than was promised", { timeout: 240_000 }, async () => {
    const fresh = freshHost();
    const { url } = await serveHost(host);
    const { line } = await lineFor(fresh, url, tarball);
    const script = await fresh.run(["dash"], line.replace(/echo '../, "echo '00"));
    expect(script.code).not.toBe(0);
    expect(existsSync(join(fresh.home, "restored"))).toBe(false);
    // Whoever can write to the vault puts something else in the package's place.
    const [, sha256 = ""] = /agent=([0-9a-f]{64})/.exec(line) ?? [];
    const place = join(host.vault, "tickets", "agents", `${sha256}.tar.gz`);
    const whole = readFileSync(place);
    chmodSync(place, 0o600);
    writeFileSync(place, Buffer.concat([whole.subarray(0, -1), Buffer.of(0)]));
    try {
      const { code, said } = await fresh.run(["dash"], line);
      expect([code, said]).toEqual([1, expect.stringContaining("NOT run")]);
      expect(existsSync(join(fresh.home, "restored"))).toBe(false);
    } finally {
      writeFileSync(place, whole);
    }
  });

  it("refuses to send a ticket in the clear, and needs one", { timeout: 60_000 }, async () => {
    const fresh = freshHost();
    const { url } = await serveHost(host);
    const { line } = await lineFor(fresh, url, tarball);
    await fresh.run(["dash"], line.slice(0, line.indexOf("&& echo")).replace(/&& $/, ""));
    for (const [words, told] of [
      ["--from http://example.com --ticket-file ./icon.ticket", "over https only"],
      [`--from ${url}`, "give --ticket-file FILE"],
      ["--ticket-file ./icon.ticket", "where from?"],
      [`--from ${url} --ticket-file ./nothing`, "cannot read"],
    ] as const) {
      const { code, said } = await fresh.run(["dash"], `sh restore.sh ${words}`);
      expect([code, said]).toEqual([1, expect.stringContaining(told)]);
    }
  });
});
