import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { buildApp } from "../agent/commands/app.ts";
import { outlineCli } from "../agent/commands/outline.ts";
import { bashCompletion, fishCompletion, zshCompletion } from "../agent/reference/index.ts";

/** How Debian calls the processors that Node names. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** What lintian takes for errors and is meant: a Node that carries its libraries, as nodejs.org builds it. */
const OVERRIDES = [
  "# The package brings its own Node, so that the host needs none: its build, with the libraries inside, is what was tested.",
  "coldkeep: embedded-library *",
  "coldkeep: unstripped-binary-or-object *",
];

/** The time that all its files have, seconds since 1970: no real one, so that the same sources make the same bytes. */
const MADE = "1000000000";

const outline = outlineCli((await buildApp(() => {})).root);

const MAINTAINER = "coldkeep <maintainers@coldkeep.invalid>";

export interface DebianPackage {
  /** The unpacked tarball: what it holds goes to /usr/lib/coldkeep, its docs to /usr/share/doc. */
  readonly top: string;
  readonly version: string;
  /** Node's word for the processor. */
  readonly arch: string;
  /** Where the package is written. */
  readonly release: string;
}

/** Makes coldkeep_<version>_<architecture>.deb by dpkg-deb; the same sources make the same bytes. @returns its path */
export function makeDeb({ top, version, arch, release }: DebianPackage): string {
  const architecture = ARCHITECTURES[arch];
  if (architecture === undefined) throw new Error(`Debian has no name for ${arch}`);
  const root = join(release, `deb-${arch}`);
  const put = (path: string, content: string | Uint8Array, mode = 0o644) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    chmodSync(join(root, path), mode);
  };
  const lib = "usr/lib/coldkeep";
  const doc = "usr/share/doc/coldkeep";
  mkdirSync(join(root, "usr/lib"), { recursive: true });
  cpSync(top, join(root, lib), { recursive: true });
  mkdirSync(join(root, "usr/bin"), { recursive: true });
  symlinkSync("../lib/coldkeep/coldkeep", join(root, "usr/bin/coldkeep"));
  for (const name of ["docs", "README.md"]) {
    cpSync(join(root, lib, name), join(root, doc, name), { recursive: true });
    rmSync(join(root, lib, name), { recursive: true });
  }
  put(`${doc}/CHANGELOG.md.gz`, gzipSync(readFileSync(join(root, lib, "CHANGELOG.md")), { level: 9 }));
  put(`${doc}/changelog.gz`, gzipSync(changesOf(version), { level: 9 }));
  put(`${doc}/copyright`, copyrightOf(join(root, lib)));
  for (const name of ["CHANGELOG.md", "LICENSE"]) rmSync(join(root, lib, name));
  put("usr/share/man/man1/coldkeep.1.gz", gzipSync(readFileSync(join(root, lib, "dist/coldkeep.1")), { level: 9 }));
  rmSync(join(root, lib, "dist/coldkeep.1"));
  put("usr/share/bash-completion/completions/coldkeep", bashCompletion(outline));
  put("usr/share/zsh/vendor-completions/_coldkeep", zshCompletion(outline));
  put("usr/share/fish/vendor_completions.d/coldkeep.fish", fishCompletion(outline));
  put("usr/share/lintian/overrides/coldkeep", `${OVERRIDES.join("\n")}\n`);
  const foreign = readdirSync(join(root, lib), { recursive: true, encoding: "utf8" }).filter((name) =>
    /\/musl_[^/]*$/.test(name),
  );
  for (const name of foreign) rmSync(join(root, lib, name), { recursive: true });
  tidy(root);
  put("DEBIAN/control", control(version, architecture, root));
  put("DEBIAN/md5sums", execFileSync("sh", ["-c", "find usr -type f | LC_ALL=C sort | xargs md5sum"], { cwd: root }));
  const file = join(release, `coldkeep_${version}_${architecture}.deb`);
  execFileSync("dpkg-deb", ["--root-owner-group", "-Zgzip", "-z6", "--build", root, file], {
    stdio: "pipe",
    env: { ...process.env, SOURCE_DATE_EPOCH: MADE },
  });
  rmSync(root, { recursive: true });
  return file;
}

function control(version: string, architecture: string, root: string): string {
  const kib = execFileSync("du", ["-sk", "--apparent-size", root], { encoding: "utf8" }).split("\t", 1)[0];
  return `Package: coldkeep
Version: ${version}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${kib}
Depends: libc6 (>= 2.28), libgcc-s1, libstdc++6
Suggests: polkitd, systemd, libgcrypt20
Section: admin
Priority: optional
Description: cold, encrypted backups of blockchain and database nodes
 coldkeep stops a node, freezes its files by hard link or reflink, starts it
 again within seconds, and only then reads, encrypts and stores them: in a
 directory or in S3, where it may add and nothing else. One command restores
 what is stored, checks it, and puts it in place.
 .
 Brings its own Node.js. Nothing runs after the installation: "coldkeep init"
 writes a configuration, and "coldkeep install" lets systemd run backups.
`;
}

function changesOf(version: string): string {
  const date = new Date(Number(MADE) * 1000).toUTCString().replace("GMT", "+0000");
  return `coldkeep (${version}) unstable; urgency=medium

  * What changed is told in CHANGELOG.md.gz.

 -- ${MAINTAINER}  ${date}
`;
}

function copyrightOf(lib: string): string {
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: coldkeep

Files: *
Copyright: 2026 the authors of coldkeep
License: Apache-2.0
 On Debian systems the text of the Apache License 2.0 is in
 /usr/share/common-licenses/Apache-2.0.
Comment:
 Notices of what is inside: ${lib.replace(/^.*\/usr\/lib/, "/usr/lib")}/dist/THIRD-PARTY-NOTICES.txt
 and LICENSE.node beside it.
`;
}

/** As Debian wants files: readable by all, run only what is a program. */
function tidy(root: string): void {
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isSymbolicLink()) chmodSync(path, entry.isDirectory() ? 0o755 : 0o644);
  }
  for (const name of ["coldkeep", "node"]) chmodSync(join(root, "usr/lib/coldkeep", name), 0o755);
}
