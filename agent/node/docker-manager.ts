import { makeContainers, noContainer } from "./containers.ts";
import type { ServiceManager } from "./types.ts";

export interface DockerConfig {
  readonly manager: "docker";
  /** Name or id of the container. */
  readonly container: string;
  readonly program: "docker" | "podman";
}

/** A single container, which is there whether it runs or not. */
export function dockerManager({ container, program }: DockerConfig): ServiceManager {
  const containers = makeContainers(program);
  return {
    kind: "docker",
    label: `container ${container} (${program})`,
    controls: true,
    stop: (options) => containers.stop(container, options),
    start: (options) => containers.start(container, options),
    async isRunning(options) {
      const found = await containers.look(container, options);
      if (found === null) throw noContainer(container, `\`${program} ps --all\` shows those there are`);
      return found.running;
    },
  };
}
