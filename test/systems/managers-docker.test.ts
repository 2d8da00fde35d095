import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { makeManager } from "../../agent/node/index.ts";
import { type ManagedService, managedBy, serviceManagerConforms } from "../conformance/service-manager.ts";
import { type Flavour, heldHome, serviceScript } from "../support/held-service.ts";
import { tempDir } from "../support/tmp.ts";
import { type Docker, IMAGE, obstacleToDocker, startDocker } from "./support/dockerd.ts";

const LIMIT = { timeoutMs: 60_000 };
let made = 0;

const noDocker = obstacleToDocker();

describe.skipIf(noDocker !== null)(
  `containers, by a real Docker engine${noDocker === null ? "" : ` (skipped: ${noDocker})`}`,
  () => {
    let docker: Docker;
    beforeAll(async () => {
      docker = await startDocker();
      process.env.DOCKER_HOST = docker.host;
      process.env.DOCKER_CONFIG = docker.config;
    });
    afterAll(async () => {
      delete process.env.DOCKER_HOST;
      delete process.env.DOCKER_CONFIG;
      await docker?.halt();
    });

    function container(
      flavour: Flavour,
      options: readonly string[] = [],
      change: (script: string) => string = (script) => script,
    ): ManagedService & { readonly name: string } {
      const held = heldHome();
      const name = `held-${++made}`;
      const words =
        flavour === "broken" ? ["/no/such/program"] : ["/bin/sh", "-c", change(serviceScript(held.data, flavour))];
      docker.docker(
        "create",
        "--name",
        name,
        "--network=none",
        "-v",
        `${held.data}:${held.data}`,
        ...options,
        IMAGE,
        ...words,
      );
      onTestFinished(() => void docker.docker("rm", "--force", name));
      return { ...held, name, ...managedBy({ manager: "docker", container: name, program: "docker" }) };
    }

    serviceManagerConforms("docker", (flavour) => container(flavour));

    it("docker: a restart policy does not bring back what was stopped, and the container's own stop signal is used", async () => {
      const options = ["--restart=always", "--stop-signal=SIGUSR1"];
      const held = container("well", options, (script) => script.replace("'exit 0' TERM", "'exit 9' USR1"));
      await held.manager.start(LIMIT);
      await held.until(true);
      await held.manager.stop(LIMIT);
      await held.until(false);
      const form = "{{.State.ExitCode}} {{.State.Running}} {{.RestartCount}}";
      while (await held.manager.isRunning(LIMIT));
      expect(docker.docker("inspect", "--format", form, held.name).trim()).toBe("9 false 0");
    });

    it("docker: a container that is not there is told as a mistake in the configuration", async () => {
      const manager = makeManager({ manager: "docker", container: "nope", program: "docker" });
      await expect(manager.isRunning(LIMIT)).rejects.toMatchObject({
        kind: "config",
        what: "there is no such container",
      });
    });

    const COMPOSE = {
      "docker-compose 1.29": "docker-compose",
      "docker compose (a stand-in plugin that hands the words of version 2 to docker-compose 1)": "docker compose",
    } as const;
    for (const [title, command] of Object.entries(COMPOSE)) {
      const services = (flavour: Flavour): ManagedService & { readonly file: string } => {
        const held = heldHome();
        const file = join(held.home, "compose.yml");
        const words =
          flavour === "broken"
            ? ["/no/such/program"]
            : ["/bin/sh", "-c", serviceScript(held.data, flavour).replaceAll("$", "$$$$")];
        const service = {
          image: IMAGE,
          network_mode: "none",
          restart: "always",
          volumes: [`${held.data}:${held.data}`],
          command: words,
        };
        writeFileSync(file, JSON.stringify({ version: "3", services: { prep: service } }));
        onTestFinished(() => void spawnSync("docker-compose", ["--file", file, "down", "--timeout", "0"]));
        return { ...held, file, ...managedBy({ manager: "compose", file, services: ["prep"], command }) };
      };
      serviceManagerConforms(title, services, command === "docker-compose" ? "all" : "basics");

      it(`${title}: a file that is missing, and one that compose cannot read, are told as mistakes`, async () => {
        const missing = makeManager({ manager: "compose", file: "/no/compose.yml", services: [], command });
        await expect(missing.isRunning(LIMIT)).rejects.toMatchObject({
          kind: "config",
          what: "the compose file is missing",
        });
        const file = join(tempDir(), "compose.yml");
        writeFileSync(file, "services: [");
        const broken = makeManager({ manager: "compose", file, services: [], command });
        await expect(broken.isRunning(LIMIT)).rejects.toMatchObject({
          kind: "config",
          what: expect.stringMatching(/compose cannot tell/),
        });
      });
    }
  },
);
