/**
 * `npm run package`: a tarball for hosts that have nothing, with its own Node inside, and where dpkg-deb is here a Debian
 * package of the same. One for each processor whose Node is
 * installed here (npm install --cpu=arm64 brings the other). The same sources make the same bytes.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeDeb } from "./debian.ts";

const project = fileURLToPath(new URL("../", import.meta.url));
const modules = join(project, "node_modules");
const release = join(project, "release");
const { version } = JSON.parse(readFileSync(join(project, "package.json"), "utf8")) as { version: string };

const FOR_A_SHELL = /^true \/\*\n([\s\S]*?)^# \*\/;$/m.exec(
  readFileSync(join(project, "bin", "coldkeep.mjs"), "utf8"),
)?.[1];
if (FOR_A_SHELL === undefined) throw new Error("bin/coldkeep.mjs no longer begins with what a shell reads of it");

/** Finds its own folder whatever it is called by, and needs nothing but sh. */
const LAUNCHER = `#!/bin/sh
here=$0
while [ -h "$here" ]; do
  link=$(readlink "$here")
  case $link in /*) here=$link ;; *) here=\${here%/*}/$link ;; esac
done
here=$(cd "$(dirname "$here")" && pwd -P) || exit 1
${FOR_A_SHELL.replace("exec node ", () => 'exec "$here/node" ').replace('"$0"', () => '"$here/dist/coldkeep.mjs"')}`;

rmSync(release, { recursive: true, force: true });
mkdirSync(release);
const made = ["x64", "arm64"].filter((arch) => existsSync(join(modules, `node-linux-${arch}`, "bin", "node")));
if (made.length === 0) throw new Error("no packaged Node is installed: run npm ci on Linux");
const dpkg = spawnSync("dpkg-deb", ["--version"]).status === 0;
if (!dpkg) console.log("no Debian package: dpkg-deb is missing");
copyFileSync(join(project, "dist", "sbom.cdx.json"), join(release, `coldkeep-${version}.cdx.json`));
for (const arch of made) pack(arch);

function pack(arch: string): void {
  const stage = join(release, `stage-${arch}`);
  const top = join(stage, "coldkeep");
  mkdirSync(join(top, "node_modules"), { recursive: true });
  for (const name of ["dist", "docs", "README.md", "CHANGELOG.md", "LICENSE"]) {
    cpSync(join(project, name), join(top, name), { recursive: true });
  }
  cpSync(join(modules, `node-linux-${arch}`, "bin", "node"), join(top, "node"));
  const nodeLicense = join(modules, `node-linux-${arch}`, "LICENSE");
  if (existsSync(nodeLicense)) cpSync(nodeLicense, join(top, "LICENSE.node"));
  writeFileSync(join(top, "coldkeep"), LAUNCHER);
  for (const name of ["coldkeep", "node"]) chmodSync(join(top, name), 0o755);
  writeFileSync(
    join(top, "package.json"),
    `${JSON.stringify({ name: "coldkeep", version, type: "module", private: true })}\n`,
  );
  const native = [`@koromix/koffi-linux-${arch}`, "koffi"];
  // Built by npm for this machine's own processor; elsewhere tokens cannot be reached.
  if (arch === process.arch && existsSync(join(modules, "pkcs11js"))) native.push("pkcs11js");
  for (const name of native) {
    const from = join(modules, name);
    if (!existsSync(from))
      throw new Error(`${name} is not installed; it is native, and goes into the package as it is`);
    cpSync(from, join(top, "node_modules", name), {
      recursive: true,
      filter: (path) => !/\/(vendor|doc|obj\.target)$/.test(path),
    });
  }
  const file = join(release, `coldkeep-${version}-linux-${arch}.tar.gz`);
  // Names sorted, no times, no owners: what is in it decides its digest.
  const tar = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--mode=go-w", "-C", stage];
  execFileSync("sh", ["-c", 'f=$1; shift; tar -cf - "$@" | gzip -6n >"$f"', "sh", file, ...tar, "coldkeep"]);
  tell(file);
  if (dpkg) tell(makeDeb({ top, version, arch, release }));
  rmSync(stage, { recursive: true });
}

function tell(file: string): void {
  const bytes = readFileSync(file);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  writeFileSync(`${file}.sha256`, `${sha256}  ${basename(file)}\n`);
  console.log(`${sha256}  ${file}  ${(bytes.length / 1e6).toFixed(1)} MB`);
}
