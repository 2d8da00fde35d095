import type { Selection } from "../../keeper/index.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { RestoreFlags } from "./restore.command.ts";

/** Which snapshot is meant; nothing said means the latest. @throws ColdkeepError `usage` for several ways at once. */
export function selectionOf(id: string | undefined, flags: Pick<RestoreFlags, "at" | "height">): Selection {
  const { at, height } = flags;
  const ways = [id, at, height].filter((way) => way !== undefined);
  if (ways.length > 1) {
    throw new ColdkeepError("usage", {
      what: "a snapshot can be chosen in one way only",
      why: "of <id>, --at and --height more than one is given",
    });
  }
  if (at !== undefined) return { by: "at", time: at };
  if (height !== undefined) return { by: "height", ...height };
  return id === undefined || id === "latest" ? { by: "latest" } : { by: "id", id };
}
