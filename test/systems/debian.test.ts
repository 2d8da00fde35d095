import { spawnSync } from "node:child_process";
import { basename } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { VERSION } from "../../vault/names/index.ts";
import { lacking } from "./support/lacking.ts";
import { bootMachine, type Machine, obstacleToMachines } from "./support/nspawn.ts";
import { packaged } from "./support/package.ts";

const noDpkg = lacking("dpkg-deb");
const noLintian = lacking("lintian");
const noMachine = obstacleToMachines();

describe.skipIf(noDpkg !== "")(`the Debian package${noDpkg}`, () => {
  let deb = "";
  beforeAll(() => {
    deb = packaged(".deb");
  });

  it.skipIf(noLintian !== "")(`has no fault that lintian calls an error${noLintian}`, () => {
    const { stdout } = spawnSync("lintian", ["--fail-on", "none", "--tag-display-limit", "0", deb], {
      encoding: "utf8",
    });
    expect(stdout.split("\n").filter((line) => line.startsWith("E:"))).toEqual([]);
  });

  describe.skipIf(noMachine !== null)(`in a bare Debian${noMachine === null ? "" : ` (skipped: ${noMachine})`}`, () => {
    it("installs, backs up and restores with the Node it brings, and goes without a trace of its own", async () => {
      const machine: Machine = await bootMachine();
      await machine.must(["dpkg", "-i", `/coldkeep/release/${basename(deb)}`]);
      expect((await machine.run(["sh", "-c", "command -v node"])).code).not.toBe(0);
      expect(await machine.must(["coldkeep", "--version"])).toBe(`${VERSION}\n`);
      // What is in it, and by whose leave.
      const parts = await machine.must(["cat", "/usr/lib/coldkeep/dist/sbom.cdx.json"]);
      expect(JSON.parse(parts)).toMatchObject({ bomFormat: "CycloneDX", components: expect.any(Array) });
      for (const name of ["dist/THIRD-PARTY-NOTICES.txt", "LICENSE.node"])
        await machine.must(["test", "-s", `/usr/lib/coldkeep/${name}`]);
      await machine.must([
        "sh",
        "-c",
        "mkdir -p /srv/data /backup; echo one >/srv/data/a; head -c 3000000 /dev/urandom >/srv/data/b",
      ]);
      await machine.must([
        ...["coldkeep", "init", "--node", "demo", "--profile", "files", "--root", "data=/srv/data"],
        ...["--vault", "file:///backup/vault", "--key-file", "/etc/coldkeep/demo.key"],
      ]);
      await machine.must(["coldkeep", "backup"]);
      await machine.must(["coldkeep", "restore", "latest", "--to", "/srv/restored"]);
      await machine.must(["diff", "-r", "/srv/data", "/srv/restored/data"]);
      await machine.must(["sh", "-c", "zcat /usr/share/man/man1/coldkeep.1.gz | grep -q 'coldkeep restore'"]);
      const planned = await machine.must(["coldkeep", "install", "--dry-run"]);
      expect(planned).toMatch(/^ExecStart=.*\/usr\/lib\/coldkeep\/.* backup/m);
      await machine.must(["dpkg", "-r", "coldkeep"]);
      expect((await machine.run(["sh", "-c", "ls /usr/lib/coldkeep /usr/bin/coldkeep"])).code).not.toBe(0);
      await machine.must(["test", "-d", "/backup/vault", "-a", "-f", "/etc/coldkeep/config.yaml"]);
    });
  });
});
