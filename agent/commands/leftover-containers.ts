import { messageOf } from "../../vault/names/index.ts";
import type { NodeSettings } from "../config/index.ts";
import { makeContainers } from "../node/index.ts";
import { allProfiles } from "../profiles/index.ts";
import type { Call } from "./define.ts";

const ASK_MS = 30_000;
const REMOVE_MS = 5 * 60_000;

/** Containers that the node started by itself, as they are before a restore in place. */
export interface Leftovers {
  readonly names: readonly string[];
  /** Said before the question whether data may be replaced. */
  readonly text: string;
  /** Removes them. What it gives is not left to do by hand any more; nothing where that failed, which is warned of. */
  remove(): Promise<readonly string[]>;
}

/**
 * What is to be removed before the node's data is replaced, where the configuration says so and docker or compose drives the
 * node; null elsewhere: the profile's words then say what is to be done by hand. That they cannot be listed or removed is
 * warned of, and keeps nobody from getting data back.
 */
export async function findLeftovers(
  { service, profile, system }: NodeSettings,
  { io, progress }: Pick<Call, "io" | "progress">,
): Promise<Leftovers | null> {
  const rule = allProfiles().find(({ name }) => name === profile)?.containers;
  const wanted = system.removeContainers;
  if (rule === undefined || wanted === undefined) return null;
  if (service.manager !== "docker" && service.manager !== "compose") return null;
  const containers = makeContainers(service.manager === "docker" ? service.program : "docker");
  const { signal } = io;
  const warn = (error: unknown) => {
    signal.throwIfAborted();
    progress.warn(`${rule.what} are to be removed by hand: ${messageOf(error)}`);
  };
  let names: readonly string[];
  try {
    const found = await containers.beginningWith(wanted === true ? rule.prefix : wanted, { signal, timeoutMs: ASK_MS });
    names = found.filter((name) => service.manager !== "docker" || name !== service.container);
  } catch (error) {
    warn(error);
    return null;
  }
  return {
    names,
    text: names.length === 0 ? `There are no ${rule.what}.` : `Removed before: ${rule.what} ${names.join(", ")}`,
    async remove() {
      try {
        if (names.length > 0) await containers.remove(names, { signal, timeoutMs: REMOVE_MS });
        return [rule.byHand];
      } catch (error) {
        warn(error);
        return [];
      }
    },
  };
}
