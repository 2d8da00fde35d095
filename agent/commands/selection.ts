import type { Selection } from "../../keeper/index.ts";
import type { IndexEntry } from "../../vault/card/index.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { nearest } from "../config/index.ts";
import type { RestoreFlags } from "./restore.command.ts";

/** @throws ColdkeepError `refused`: what is not whole is neither restored nor copied. */
export function assertNotBroken({ snapshot, state, remarks }: IndexEntry): void {
  if (state !== "broken") return;
  throw new ColdkeepError("refused", {
    what: "this snapshot is broken",
    on: snapshot,
    why: remarks.join("; "),
    todo: "choose another; `coldkeep list` shows them",
  });
}

/**
 * Which snapshot is meant; nothing said means the latest.
 * @throws ColdkeepError `usage` for several ways at once, and for what is no id.
 */
export function selectionOf(id: string | undefined, flags: Pick<RestoreFlags, "at" | "height">): Selection {
  const { at, height } = flags;
  const ways = [id, at, height].filter((way) => way !== undefined);
  if (ways.length > 1) {
    throw new ColdkeepError("usage", {
      what: "a snapshot can be chosen in one way only",
      why: "of <id>, --at and --height more than one is given",
      todo: "give one of them",
    });
  }
  if (at !== undefined) return { by: "at", time: at };
  if (height !== undefined) return { by: "height", ...height };
  if (id === undefined || id === "latest") return { by: "latest" };
  if (/^\d/.test(id)) return { by: "id", id };
  throw new ColdkeepError("usage", {
    what: "this is no snapshot's id",
    on: JSON.stringify(id),
    why: "ids begin with a date, such as 20260115T000000Z",
    todo: nearest(id, ["latest"]) === null ? "`coldkeep list` shows them" : "did you mean latest?",
  });
}
