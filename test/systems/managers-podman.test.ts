import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { makeManager } from "../../agent/node/index.ts";
import { type ManagedService, managedBy, serviceManagerConforms } from "../conformance/service-manager.ts";
import { type Flavour, heldHome, serviceScript } from "../support/held-service.ts";
import { IMAGE } from "./support/dockerd.ts";

const LIMIT = { timeoutMs: 60_000 };
const MISSING = ["podman", "runc", "busybox"].filter((name) => spawnSync("which", [name]).status !== 0);
const obstacle =
  process.getuid?.() !== 0
    ? "needs root"
    : MISSING.length > 0
      ? `${MISSING.join(", ")} missing; on Debian and Ubuntu: apt-get install podman runc busybox-static`
      : null;
if (obstacle !== null && process.env.CI !== undefined) throw new Error(`CI has no Podman: ${obstacle}`);

describe.skipIf(obstacle !== null)(
  `containers, by a real Podman${obstacle === null ? "" : ` (skipped: ${obstacle})`}`,
  () => {
    // Its own images and containers, by a `podman` of ours that says where they are.
    const home = mkdtempSync(join(tmpdir(), "podman-"));
    const path = process.env.PATH ?? "";
    let made = 0;
    const podman = (...words: string[]) => execFileSync("podman", words, { encoding: "utf8", stdio: "pipe" });

    beforeAll(() => {
      const program = execFileSync("which", ["podman"], { encoding: "utf8" }).trim();
      const places = `--root '${home}/root' --runroot '${home}/run' --runtime "$(which runc)" --cgroup-manager=cgroupfs`;
      mkdirSync(join(home, "bin"));
      writeFileSync(join(home, "bin/podman"), `#!/bin/sh\nexec ${program} ${places} "$@"\n`, { mode: 0o755 });
      process.env.PATH = `${join(home, "bin")}${delimiter}${path}`;
      const tree = join(home, "tree/bin");
      mkdirSync(tree, { recursive: true });
      copyFileSync(execFileSync("which", ["busybox"], { encoding: "utf8" }).trim(), join(tree, "busybox"));
      for (const name of ["sh", "sleep"]) symlinkSync("busybox", join(tree, name));
      execFileSync("sh", ["-c", `tar -C '${home}/tree' -c . | podman import - ${IMAGE}`], { stdio: "pipe" });
    });
    afterAll(() => {
      spawnSync("podman", ["rm", "--all", "--force", "--time", "0"]);
      // What is mounted for its images goes first.
      spawnSync("sh", ["-c", `umount '${home}/root/overlay'`]);
      process.env.PATH = path;
      rmSync(home, { recursive: true, force: true });
    });

    function container(flavour: Flavour, ...options: string[]): ManagedService & { readonly name: string } {
      const held = heldHome();
      const name = `held-${++made}`;
      const words = flavour === "broken" ? ["/no/such/program"] : ["/bin/sh", "-c", serviceScript(held.data, flavour)];
      const limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024", "--network=none"];
      podman("create", "--name", name, ...limits, "-v", `${held.data}:${held.data}`, ...options, IMAGE, ...words);
      onTestFinished(() => {
        // One that was asked to stop and did not is removed with its process left behind.
        spawnSync("podman", ["kill", "--signal", "KILL", name]);
        podman("rm", "--force", "--time", "0", name);
      });
      return { ...held, name, ...managedBy({ manager: "docker", container: name, program: "podman" }) };
    }

    serviceManagerConforms("podman", (flavour) => container(flavour));

    it("podman: a restart policy does not bring back what was stopped", async () => {
      const held = container("well", "--restart=always");
      await held.manager.start(LIMIT);
      await held.until(true);
      await held.manager.stop(LIMIT);
      await held.until(false);
      const look = () => podman("inspect", "--format", "{{.State.Status}} {{.RestartCount}}", held.name).trim();
      let said = look();
      while (!/^exited|[^0]$/.test(said)) said = look();
      expect(said).toBe("exited 0");
      expect(held.lives()).toBe(false);
      await held.manager.start(LIMIT);
      await held.until(true);
    });

    it("podman: one that was asked to stop, and does not, counts as running", async () => {
      const held = container("deaf", "--restart=always");
      await held.manager.start(LIMIT);
      await held.until(true);
      await expect(held.manager.stop({ timeoutMs: 1500 })).rejects.toMatchObject({ kind: "node-stop" });
      expect([await held.manager.isRunning(LIMIT), held.lives()]).toEqual([true, true]);
    });

    it("podman: a container that is not there is told as a mistake in the configuration", async () => {
      const manager = makeManager({ manager: "docker", container: "nope", program: "podman" });
      await expect(manager.isRunning(LIMIT)).rejects.toMatchObject({
        kind: "config",
        what: "there is no such container",
      });
    });
  },
);
