import { ColdkeepError } from "../../vault/names/index.ts";
import { makeTool } from "./tool.ts";
import type { CallOptions } from "./types.ts";

interface Container {
  readonly running: boolean;
  readonly stopSignal: string;
  /** What the engine does with one that ended: `no`, `always`, `on-failure`. */
  readonly restart: string;
}

const FORM =
  "{{json .State.Running}} {{json .State.Restarting}} {{json .State.Paused}} {{json .Config.StopSignal}} {{json .State.Status}} {{json .HostConfig.RestartPolicy.Name}}";
/** Seconds until `podman stop` would kill: never, as that is not for it to decide. */
const NEVER = "100000000";
const GONE = /no such (?:container|object)/i;

/** What all managers of containers do with them, by the `docker` command line or one that speaks like it. */
export function makeContainers(program: "docker" | "podman") {
  const docker = makeTool([program]);

  /** How a container stands; null where there is none of that name. */
  async function look(name: string, options: CallOptions): Promise<Container | null> {
    const words = ["inspect", "--type", "container", "--format", FORM, name];
    const result = await docker.try(words, options);
    if (result.status !== 0 && GONE.test(result.tail)) return null;
    const [running, restarting, paused, signal, status, restart = ""] = result.stdout.trim().split(" ");
    if (result.status !== 0 || (running !== "true" && running !== "false")) {
      throw docker.failure(words, result, "refused", "cannot find out whether the container runs");
    }
    // One that was asked to stop does not run any more for Podman, while its process is still there.
    const isThere = [running, paused, restarting].includes("true") || status === '"stopping"';
    return { running: isThere, stopSignal: signalOf(signal), restart: restart.replaceAll('"', "") };
  }

  return {
    look,
    /**
     * Sends the container its own stop signal, and does not wait. `docker stop` would kill it after a while of its own,
     * and when a node is to be killed is said in the configuration alone. For the engine it counts as stopped by its
     * user all the same, so no restart policy starts it again (moby, daemon/kill.go: the container's own stop signal).
     * Podman starts one that was killed again where its policy says so: there it is `podman stop`, which waits, and is cut
     * off with the call; its container stays asked to stop.
     */
    async stop(name: string, options: CallOptions): Promise<void> {
      const container = await look(name, options);
      if (container?.running !== true) return;
      const isBroughtBack = program === "podman" && container.restart !== "" && container.restart !== "no";
      const words = isBroughtBack ? ["stop", "--time", NEVER, name] : ["kill", "--signal", container.stopSignal, name];
      const result = await docker.try(words, options);
      if (result.status === 0 || (await look(name, options))?.running === false) return;
      throw docker.failure(words, result, "node-stop", "the container could not be stopped");
    },
    /**
     * Names of all that begin so, running or not, and whose image does as well, as far as it still has a name.
     * @throws ColdkeepError `refused`, `permission`, `config`.
     */
    async beginningWith(prefix: string, options: CallOptions): Promise<readonly string[]> {
      // Its filter finds the text anywhere in a name, and takes it for an expression.
      const words = ["ps", "--all", "--filter", `name=${prefix}`, "--format", "{{.Names}}\t{{.Image}}"];
      const text = await docker.must(words, options, "refused", "cannot find out which containers there are");
      return text.split("\n").flatMap((line) => {
        const [names = "", image = ""] = line.trim().split("\t");
        // One that others link to has their names for it as well: "name,other/alias".
        const own = names.split(",").find((name) => !name.includes("/"));
        const isOf = image.startsWith(prefix.toLowerCase()) || /^(?:sha256:)?[0-9a-f]{12,64}$/.test(image);
        return own?.startsWith(prefix) && isOf ? [own] : [];
      });
    },
    /** Removes exactly these, also such as run. @throws ColdkeepError `refused`, `permission`. */
    async remove(names: readonly string[], options: CallOptions): Promise<void> {
      await docker.must(["rm", "--force", ...names], options, "refused", "the containers could not be removed");
    },
    async start(name: string, options: CallOptions): Promise<void> {
      // Podman has no daemon: the container is of its family, and as nice.
      const how = { ...options, startsNode: true };
      await docker.must(["start", name], how, "node-start", "the container could not be started");
    },
  };
}

/** Docker tells names, Podman numbers; none means SIGTERM. */
function signalOf(json: string | undefined): string {
  const text = (json ?? "").replaceAll('"', "");
  return text === "" || text === "null" || text === "0" ? "SIGTERM" : text;
}

export function noContainer(name: string, todo: string): ColdkeepError {
  return new ColdkeepError("config", { what: "there is no such container", on: name, todo });
}
