import { type ExecFileSyncOptionsWithStringEncoding, execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { CDK_PACKAGES } from "../../agent/cloud/index.ts";
import { EXIT_CODES } from "../../agent/exit-codes.ts";
import { sharedTempDir } from "../support/tmp.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

describe("the package, installed without what it was built with", () => {
  const folder = sharedTempDir("coldkeep-package");
  const installed = join(folder, "node_modules", "coldkeep");
  const run = (...words: string[]) =>
    spawnSync(process.execPath, [join(installed, "dist", "coldkeep.mjs"), ...words], { encoding: "utf8", cwd: folder });

  beforeAll(() => {
    const npm: ExecFileSyncOptionsWithStringEncoding = { cwd: PROJECT, encoding: "utf8", stdio: "pipe" };
    const packed = execFileSync("npm", ["pack", "--json", "--silent", "--pack-destination", folder], npm);
    const name = readdirSync(folder).find((file) => file.endsWith(".tgz"));
    if (name === undefined) throw new Error(`npm pack made no package: ${packed}`);
    mkdirSync(installed, { recursive: true });
    execFileSync("tar", ["-xzf", join(folder, name), "-C", installed, "--strip-components=1"]);
    // koffi, which is native, is the one package that is not bundled.
    symlinkSync(join(PROJECT, "node_modules", "koffi"), join(folder, "node_modules", "koffi"));
  });

  it("holds no sources, tests or keys", () => {
    const files = readdirSync(installed, { recursive: true, encoding: "utf8" });
    expect(files.filter((file) => /(?<!\.d)\.(ts|key|pem|map)$|(^|\/)(test|agent|demo)\//.test(file))).toEqual([
      "examples/infra/app.ts",
    ]);
    expect(files).toEqual(
      expect.arrayContaining([
        "dist/coldkeep.mjs",
        "dist/main.js",
        "dist/sbom.cdx.json",
        "package.json",
        "SECURITY.md",
        "LICENSE",
        "docs/CLI.md",
      ]),
    );
    expect(files).toContain("tools/read_vault.py");
  });

  it("tells the licences of the code it holds", () => {
    const notices = readFileSync(join(installed, "dist", "THIRD-PARTY-NOTICES.txt"), "utf8");
    for (const name of ["@aws-sdk/client-s3", "@noble/ciphers", "@stricli/core", "age-encryption", "yaml", "zod"]) {
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, "m"));
    }
    expect(notices).toContain("Paul Miller");
  });

  it("holds zod's words in no other language", () => {
    const pieces = readdirSync(join(installed, "dist")).filter((file) => file.endsWith(".js"));
    const texts = pieces.map((file) => readFileSync(join(installed, "dist", file), "utf8"));
    const languages = texts.flatMap((text) => text.match(/(?<=^\/\/ node_modules\/zod\/v4\/locales\/).*/gm) ?? []);
    expect([...new Set(languages)]).toEqual(["en.js"]);
  });

  /** All pieces that come with one. */
  function piecesOf(name: string, seen = new Set<string>()): Set<string> {
    if (seen.has(name)) return seen;
    seen.add(name);
    const text = readFileSync(join(installed, "dist", name), "utf8");
    for (const [, from, bare] of text.matchAll(/from\s*"\.\/([^"]+)"|import\s*"\.\/([^"]+)"/g)) {
      piecesOf(from ?? bare ?? "", seen);
    }
    return seen;
  }

  it("loads few pieces for a backup, and one for a thread", () => {
    const pieces = readdirSync(join(installed, "dist")).filter((file) => /^backup-[A-Z0-9]+\.js$/.test(file));
    const [backup = ""] = pieces;
    expect(pieces).toHaveLength(1);
    expect(piecesOf(backup).size).toBeLessThan(20);
    for (const thread of ["seal.worker.js", "restore.worker.js"]) expect([...piecesOf(thread)]).toEqual([thread]);
  });

  it("says its version and its help", () => {
    const { version } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as { version: string };
    expect(run("--version").stdout.trim()).toBe(version);
    const help = run("--help");
    expect(help.stdout).toContain("coldkeep backup");
    expect(help.status).toBe(0);
  });

  it("does not read yaml, zod, koffi or the S3 client to print help", () => {
    const seen = piecesOf("main.js");
    const texts = [...seen].map((name) => readFileSync(join(installed, "dist", name), "utf8"));
    expect(seen.size).toBeGreaterThan(1);
    for (const sign of ["ZodError", "YAMLParseError", "koffi", "ListObjectsV2"]) {
      expect(
        texts.filter((text) => text.includes(sign)),
        sign,
      ).toEqual([]);
    }
  });

  it("makes and restores a snapshot", () => {
    const data = join(folder, "data");
    mkdirSync(data);
    writeFileSync(join(data, "small"), "hello\n");
    writeFileSync(join(data, "large"), Buffer.alloc(3_000_000, "block "));
    const up = join(folder, "up");
    writeFileSync(up, "");
    const config = ["--config", join(folder, "config.yaml")];
    const made = run(
      ...["init", ...config, "--state-dir", join(folder, "state"), "--vault", join(folder, "vault")],
      ...["--key-file", join(folder, "key"), "--node", "demo", "--profile", "files", "--root", `data=${data}`],
      ...["--stop", `rm -f ${up}`, "--start", `touch ${up}`, "--is-running", `test -e ${up}`],
    );
    expect(made.status, made.stderr).toBe(0);
    const backup = run("backup", ...config, "--json");
    expect(backup.status, backup.stderr).toBe(0);
    const verify = run("verify", "--read-data", ...config, "--json");
    expect(verify.status, verify.stderr).toBe(0);
    const restore = run("restore", "--to", join(folder, "copy"), ...config, "--json");
    expect(restore.status, restore.stderr).toBe(0);
    for (const name of ["small", "large"]) {
      expect(readFileSync(join(folder, "copy", "data", name)).equals(readFileSync(join(data, name)))).toBe(true);
    }
  });

  it("says how to get the CDK, and with it tells what it would deploy", () => {
    const { devDependencies } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as {
      devDependencies: Record<string, string>;
    };
    expect(devDependencies).toMatchObject(CDK_PACKAGES);
    writeFileSync(join(folder, "coldkeep.cdk.yaml"), "nodes:\n  icon:\n    at: '25:00'\n");
    const wrong = run("cloud", "deploy", "--dry-run");
    expect(wrong.stderr).toMatch(/coldkeep\.cdk\.yaml:\n {2}3:5: nodes\.icon\.at: a time of day/);
    expect(wrong.status).toBe(EXIT_CODES.config.code);
    writeFileSync(join(folder, "coldkeep.cdk.yaml"), "nodes:\n  icon:\n    at: '00:30'\n");
    const lacking = run("cloud", "deploy", "--dry-run");
    expect(lacking.stderr).toMatch(/the AWS CDK is not there: no aws-cdk, no aws-cdk-lib, no constructs/);
    expect(lacking.stderr).toMatch(/npm install --global aws-cdk@[\d.]+ aws-cdk-lib@[\d.]+ constructs@[\d.]+/);
    expect(lacking.status).toBe(EXIT_CODES.config.code);
    for (const name of Object.keys(CDK_PACKAGES)) {
      symlinkSync(join(PROJECT, "node_modules", name), join(folder, "node_modules", name));
    }
    // What else lies in the folder is none of its business.
    writeFileSync(join(folder, "cdk.json"), '{ "app": "false" }');
    const { status, stdout, stderr } = run("cloud", "deploy", "--dry-run", "--json");
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      stack: "Coldkeep",
      dry_run: true,
      resources: { "AWS::Lambda::Function": 4, "AWS::S3::Bucket": 1 },
    });
  });

  it("is used inside somebody else's CDK app, by its types and its constructs", () => {
    const app = join(folder, "app");
    cpSync(join(installed, "examples", "infra"), app, { recursive: true });
    writeFileSync(join(app, "package.json"), '{ "type": "module" }');
    const synth = spawnSync(process.execPath, ["app.ts"], {
      encoding: "utf8",
      cwd: app,
      env: { ...process.env, CDK_OUTDIR: join(app, "out") },
    });
    expect(synth.status, synth.stderr).toBe(0);
    const made = (stack: string) => readFileSync(join(app, "out", `${stack}.template.json`), "utf8");
    expect(made("Coldkeep").match(/"Type": "AWS::Lambda::Function"/g)).toHaveLength(4);
    expect(made("Duty")).toContain("AWS::SNS::Subscription");
    expect(made("SecondVault")).toContain('"ObjectLockEnabled": true');
    const tsc = join(PROJECT, "node_modules", "typescript", "bin", "tsc");
    const how = [
      "--noEmit",
      "--strict",
      "--skipLibCheck",
      "--module",
      "nodenext",
      "--target",
      "es2024",
      "--types",
      "node",
    ];
    const types = ["--typeRoots", join(PROJECT, "node_modules", "@types")];
    const check = (file: string) =>
      spawnSync(process.execPath, [tsc, ...how, ...types, file], { encoding: "utf8", cwd: app });
    expect(check("app.ts").stdout).toBe("");
    const wrong = readFileSync(join(app, "app.ts"), "utf8").replace("keep_weekly: 8", "keep_weekly: true");
    writeFileSync(join(app, "wrong.ts"), wrong);
    expect(check("wrong.ts").stdout).toMatch(/wrong\.ts\(\d+,\d+\): error TS2322/);
  });
});
