import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { EXIT_CODES } from "../../agent/exit-codes.ts";
import { tempDir } from "../support/tmp.ts";
import { makeHost } from "./host.ts";
import { serveHost } from "./serve.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

/** A certificate for 127.0.0.1 by an authority of its own, as an operator has one. */
function certify(folder: string): { readonly cert: string; readonly key: string; readonly ca: string } {
  const ssl = (...words: string[]) => execFileSync("openssl", words, { stdio: "pipe", cwd: folder });
  const common = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  ssl("req", "-x509", ...common, "-days", "2", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=our own authority");
  writeFileSync(join(folder, "names"), "subjectAltName=IP:127.0.0.1\n");
  ssl("req", ...common, "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=restore");
  ssl(
    ...["x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"],
    ...["-days", "2", "-extfile", "names", "-out", "cert.pem"],
  );
  return { cert: join(folder, "cert.pem"), key: join(folder, "key.pem"), ca: join(folder, "ca.pem") };
}

describe("coldkeep serve --tls-cert", () => {
  it("answers a whole restore over https, to whom its authority is known, and to nobody else", async () => {
    const host = await makeHost(tempDir("coldkeep-tls"));
    await host.json("backup");
    const file = join(host.home, "demo.ticket");
    await host.json("ticket", "create", "--expires", "1h", "--to", file);
    const { cert, key, ca } = certify(tempDir("coldkeep-certificate"));
    const served = await serveHost(host, "--tls-cert", cert, "--tls-key", key);
    expect(served.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const there = tempDir("coldkeep-elsewhere");
    mkdirSync(join(there, "home"));
    const restore = (to: string, env: NodeJS.ProcessEnv) =>
      promisify(execFile)(
        process.execPath,
        [
          ...[join(PROJECT, "bin", "coldkeep.mjs"), "restore", "--from", served.url, "--ticket-file", file],
          ...["--identity", host.key, "--to", join(there, to), "--json"],
        ],
        { cwd: there, env: { PATH: process.env.PATH, HOME: join(there, "home"), ...env } },
      );
    await restore("copy", { NODE_EXTRA_CA_CERTS: ca });
    const copy = readFileSync(join(there, "copy", "data", "large"));
    expect(copy.equals(readFileSync(join(host.data, "large")))).toBe(true);
    const refused = await restore("none", {}).then(
      () => null,
      (error: unknown) => error as { readonly code: number; readonly stderr: string },
    );
    expect(refused?.code).toBe(EXIT_CODES.vault.code);
    expect(refused?.stderr).toMatch(/its certificate is not trusted: .*NODE_EXTRA_CA_CERTS/);
    // The port speaks nothing but TLS.
    await expect(fetch(served.url.replace("https:", "http:"))).rejects.toThrow();
  });

  it("is refused where certificate and key are none, or only one is given", async () => {
    const host = await makeHost(tempDir("coldkeep-tls"));
    const { cert, key } = certify(tempDir("coldkeep-certificate"));
    const serve = (...words: string[]) => host.failure("serve", "--listen", "127.0.0.1:0", ...words);
    expect((await serve("--tls-cert", cert)).exit_code).toBe(EXIT_CODES.usage.code);
    expect((await serve("--tls-cert", key, "--tls-key", cert)).exit_code).toBe(EXIT_CODES.config.code);
    expect((await serve("--tls-cert", "/nowhere.pem", "--tls-key", key)).on).toBe("/nowhere.pem");
  });
});
