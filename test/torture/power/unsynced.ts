import type { Context } from "../types.ts";
import type { Unsynced } from "./disk.ts";

/** What may fail to become durable while the command goes on, and says that it is done. */
const NOT_PROMISED: readonly { readonly deed: RegExp; readonly of: RegExp; readonly why: string }[] = [
  // All that it puts there. It is over by the time the command ends.
  { deed: /^restore/, of: /^\/host\/vault\//, why: "the pin of a restore, which goes on without" },
  {
    deed: /^backup$/,
    of: /^\/host\/state\/demo\/freeze\.journal(\.tmp-[^/]*)?$/,
    why: "the note that the node was started again, without which it is asked to start once more",
  },
];

/**
 * What is wrong with a command that ended well though an fsync failed, or null. The bytes of a file may be in another one
 * by then, which was synced; that the same one was synced after that proves nothing (fsync(2), ERRORS).
 */
export function faultOfSyncs(context: Context, deed: string, unsynced: readonly Unsynced[]): string | null {
  for (const { path, kind, anew, again, names } of unsynced) {
    // Of a folder it is the names in it that were to become durable.
    const lost = kind === "folder" ? names.map((name) => `${path}/${name}`) : [path];
    const allowed = NOT_PROMISED.find((one) => one.deed.test(deed) && lost.every((name) => one.of.test(name)));
    // There was nothing for it to do.
    if (kind === "folder" && names.length === 0)
      context.count("fsyncs that failed, of folders in which nothing had changed", 1);
    else if (anew) context.count("fsyncs that failed, after which the same bytes were put into another file", 1);
    else if (allowed !== undefined) context.count(`fsyncs that failed, of ${allowed.why}`, 1);
    else
      return `it ended well, and an fsync had failed, of ${kind} ${lost.join(", ")}${again ? ", which it asked for again" : ""}`;
  }
  return null;
}
