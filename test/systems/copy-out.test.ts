import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { runHere } from "../cli/run.ts";
import { configHead } from "../support/config-head.ts";
import { tempDir } from "../support/tmp.ts";
import { type Docker, IMAGE, obstacleToDocker, startDocker } from "./support/dockerd.ts";

const noDocker = obstacleToDocker();
const INSIDE = "/var/hyperledger/production/orderer";
/** A node that makes its data where it has none, counts its starts, and ends when it is told to. */
const NODE = `b=/bin/busybox; d=${INSIDE}; $b mkdir -p $d/chains/ch $d/pendingops/join; [ -e $d/chains/ch/blockfile_000000 ] ||
printf block0 >$d/chains/ch/blockfile_000000; printf s >>$d/starts; trap 'exit 0' TERM; while :; do sleep 1 & wait; done`;

describe.skipIf(noDocker !== null)(
  `containers without a volume${noDocker === null ? "" : ` (skipped: ${noDocker})`}`,
  () => {
    let docker: Docker;
    beforeAll(async () => {
      docker = await startDocker();
      process.env.DOCKER_HOST = docker.host;
    });
    afterAll(async () => {
      delete process.env.DOCKER_HOST;
      await docker?.halt();
    });

    it("are captured by docker cp while they are down; a restore says which volume to add, and with it the data is there", async () => {
      const home = tempDir("copy-out");
      const data = join(home, "data");
      mkdirSync(data);
      const make = (...options: string[]) =>
        docker.docker(
          "run",
          "--detach",
          "--name",
          "orderer",
          "--network=none",
          ...options,
          IMAGE,
          "/bin/sh",
          "-c",
          NODE,
        );
      make();
      const config = join(home, "config.yaml");
      const write = (copied: string) =>
        writeFileSync(
          config,
          `${configHead(home)}nodes:
  orderer:
    profile: fabric-orderer
    roots: { data: ${data} }
    service: { manager: docker, container: orderer, copy_out: { ${copied}: ${INSIDE} } }
`,
          { mode: 0o600 },
        );
      const coldkeep = (...words: string[]) => runHere([...words, "--config", config], { clock: systemClock });
      write("other");
      expect((await coldkeep("init")).stderr).toMatch(
        /nodes\.orderer\.service\.copy_out\.other: is no root; they are data/,
      );
      write("data");
      expect((await coldkeep("init")).code).toBe(0);
      for (const starts of [1, 2]) {
        const backup = await coldkeep("backup", "--json");
        expect([backup.code, backup.stderr]).toEqual([0, ""]);
        // Nothing but the copy, whole, as it was while the container was down.
        expect(readdirSync(data).sort()).toEqual(["chains", "pendingops", "starts"]);
        expect(readFileSync(join(data, "starts"), "utf8")).toBe("s".repeat(starts));
        expect(docker.docker("inspect", "--format", "{{.State.Running}}", "orderer").trim()).toBe("true");
      }

      docker.docker("rm", "--force", "orderer");
      make();
      docker.docker("kill", "orderer");
      const restored = await coldkeep("restore", "--json");
      const { volumes } = JSON.parse(restored.stdout) as { volumes: string[] };
      expect(volumes).toEqual([`${data}:${INSIDE}`]);
      const text = await coldkeep("restore");
      expect(text.stdout).toMatch(
        new RegExp(`orderer has no volume.*\\n  - ${data}:${INSIDE}\\nThen take copy_out out`),
      );
      docker.docker("rm", "--force", "orderer");
      make("-v", `${volumes[0]}`);
      docker.docker("kill", "orderer");
      expect(readFileSync(join(data, "starts"), "utf8")).toBe("sss");
      expect(readFileSync(join(data, "chains/ch/blockfile_000000"), "utf8")).toBe("block0");
      expect(readdirSync(join(data, "pendingops/join"))).toEqual([]);
    });
  },
);
