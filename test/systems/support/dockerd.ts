import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE_MS = 60_000;
export const IMAGE = "coldkeep-test";

/** Why no containers can be had here, in words for a test's name; null where they can. In CI that is an error. */
export function obstacleToDocker(): string | null {
  const missing = [
    ["dockerd", "docker.io"],
    ["docker-compose", "docker-compose"],
    ["busybox", "busybox-static"],
  ].flatMap(([program = "", apt = ""]) => (spawnSync("which", [program]).status === 0 ? [] : [apt]));
  const why =
    process.getuid?.() !== 0
      ? "needs root"
      : missing.length > 0
        ? `${missing.join(", ")} missing; on Debian and Ubuntu: apt-get install ${missing.join(" ")}`
        : null;
  if (why !== null && process.env.CI !== undefined) throw new Error(`CI has no containers: ${why}`);
  return why;
}

export interface Docker {
  /** For DOCKER_HOST. */
  readonly host: string;
  /** For DOCKER_CONFIG: has `docker compose` as a plugin that hands its words to docker-compose 1. */
  readonly config: string;
  docker(...words: string[]): string;
  halt(): Promise<void>;
}

/** A Docker engine of its own, without a network, with one image in it that holds busybox. */
export async function startDocker(): Promise<Docker> {
  const home = mkdtempSync(join(tmpdir(), "dockerd-"));
  const socket = join(home, "sock");
  const host = `unix://${socket}`;
  const config = join(home, "config");
  mkdirSync(join(config, "cli-plugins"), { recursive: true });
  writeFileSync(join(config, "cli-plugins", "docker-compose"), COMPOSE_STAND_IN, { mode: 0o755 });
  const words = [
    ...["--ip-forward=false", "--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=overlay2"],
    ...["--data-root", join(home, "data"), "--exec-root", join(home, "exec"), "-p", join(home, "pid"), "-H", host],
  ];
  const daemon = spawn("dockerd", words, { stdio: "ignore" });
  const docker = (...args: string[]) =>
    execFileSync("docker", args, { env: { ...process.env, DOCKER_HOST: host }, encoding: "utf8", stdio: "pipe" });
  const halt = async () => {
    if (daemon.exitCode === null) {
      const gone = once(daemon, "exit");
      daemon.kill("SIGTERM");
      await gone;
    }
    rmSync(home, { recursive: true, force: true });
  };
  try {
    const end = performance.now() + PATIENCE_MS;
    while (
      !existsSync(socket) ||
      spawnSync("docker", ["version"], { env: { ...process.env, DOCKER_HOST: host } }).status !== 0
    ) {
      if (daemon.exitCode !== null || performance.now() > end) throw new Error("dockerd did not start");
      await sleep(100);
    }
    importImage(home, host);
  } catch (error) {
    await halt();
    throw error;
  }
  return { host, config, docker, halt };
}

/** Words of `docker compose`, which Debian has no package of, on docker-compose 1. */
const COMPOSE_STAND_IN = `#!/bin/sh
if [ "$1" = docker-cli-plugin-metadata ]; then
  echo '{"SchemaVersion":"0.1.0","Vendor":"coldkeep tests","Version":"v2.0.0"}'
  exit 0
fi
while [ "$1" != compose ]; do shift; done
shift
exec docker-compose "$@"
`;

function importImage(home: string, host: string): void {
  const tree = join(home, "tree");
  mkdirSync(join(tree, "bin"), { recursive: true });
  copyFileSync(execFileSync("which", ["busybox"], { encoding: "utf8" }).trim(), join(tree, "bin/busybox"));
  for (const name of ["sh", "sleep"]) symlinkSync("busybox", join(tree, "bin", name));
  execFileSync("sh", ["-c", `tar -C "$1" -c . | docker import - ${IMAGE}`, "sh", tree], {
    env: { ...process.env, DOCKER_HOST: host },
    stdio: "pipe",
  });
}
