import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { ColdkeepError } from "../../vault/names/index.ts";
import { makeContainers } from "./containers.ts";
import { makeTool } from "./tool.ts";
import type { CallOptions, ServiceManager } from "./types.ts";

export interface ComposeConfig {
  readonly manager: "compose";
  /** Absolute. */
  readonly file: string;
  /** Empty: all of the file. Stopped in this order, started in the reverse one. */
  readonly services: readonly string[];
  readonly project?: string;
  /** `docker compose` is version 2, `docker-compose` version 1. */
  readonly command: "docker compose" | "docker-compose";
}

/**
 * Services of a compose file. Compose is asked once which containers they are; from then on the containers themselves
 * are stopped, started and asked, since version 1 takes most of a second for each call, and the node would be down for
 * it. Nothing is ever taken `down`: that would remove containers, and what they hold without a volume with them.
 */
export function composeManager(config: ComposeConfig): ServiceManager {
  const { file, services, project, command } = config;
  const compose = makeTool(command.split(" "));
  const containers = makeContainers("docker");
  const common = [
    "--file",
    file,
    ...(project === undefined ? ["--project-directory", dirname(file)] : ["--project-name", project]),
  ];
  let known: readonly string[] = [];

  async function ids(options: CallOptions): Promise<readonly string[]> {
    if (known.length > 0) return known;
    assertFile(file);
    const found: string[] = [];
    for (const service of services.length === 0 ? [null] : services) {
      const words = [...common, "ps", "--all", "--quiet", ...(service === null ? [] : [service])];
      const text = await compose.must(words, options, "config", "compose cannot tell which containers these are");
      found.push(
        ...text
          .split("\n")
          .map((line) => line.trim())
          .filter((line) => /^[0-9a-f]{12,64}$/.test(line)),
      );
    }
    known = found;
    return found;
  }

  return {
    kind: "compose",
    label: `${command} ${services.length === 0 ? "all services" : services.join(", ")} of ${file}`,
    controls: true,
    async stop(options) {
      for (const id of await ids(options)) await containers.stop(id, options);
    },
    async start(options) {
      const all = [...(await ids(options))].reverse();
      const found = await Promise.all(all.map((id) => containers.look(id, options)));
      if (all.length > 0 && found.every((container) => container !== null)) {
        for (const id of all) await containers.start(id, options);
        return;
      }
      known = [];
      const words = [...common, "up", "--detach", "--no-recreate", ...services];
      await compose.must(words, options, "node-start", "the services could not be started");
    },
    async isRunning(options) {
      const all = await ids(options);
      const found = await Promise.all(all.map((id) => containers.look(id, options)));
      // Somebody has made them anew meanwhile.
      if (found.includes(null)) known = [];
      return found.some((container) => container?.running === true);
    },
  };
}

function assertFile(file: string): void {
  if (existsSync(file)) return;
  throw new ColdkeepError("config", {
    what: "the compose file is missing",
    on: file,
    todo: "correct service.file in the configuration",
  });
}
