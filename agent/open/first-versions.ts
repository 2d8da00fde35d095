import type { CardCore } from "../../vault/card/types.ts";
import { isColdkeepError, names, type Progress } from "../../vault/names/index.ts";
import type { Historian, Reader } from "../../vault/store/facets.ts";

const AT_ONCE = 16;

/**
 * The same store, where packs, lists and the manifest of a snapshot that somebody put others over are read as they were
 * first: their names are written once, so whatever came later is not what the host put (FORMAT.md ruling 13). Key files are
 * not among them, as rotation writes them anew. Whoever may not see versions reads what lies there now.
 */
export async function firstVersions(
  store: Reader & Historian,
  { node, snapshot, origins }: CardCore,
  progress: Progress,
): Promise<Reader & Historian> {
  const { history } = store;
  if (history === undefined) return store;
  const firsts = new Map<string, string>();
  const ids = [...new Set([snapshot, ...origins.map((origin) => origin.snapshot)])];
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const look = async (prefix: string) => {
      for (const [name, version] of await history.overwritten(prefix)) {
        if (name !== `${prefix}${names.KEY_NAME}`) firsts.set(name, version);
      }
    };
    try {
      await Promise.all(ids.slice(from, from + AT_ONCE).map((id) => look(names.dataFolder(node, id))));
    } catch (error) {
      if (!isColdkeepError(error, "permission")) throw error;
      return store;
    }
  }
  if (firsts.size === 0) return store;
  const [some = ""] = firsts.keys();
  progress.warn(
    `${firsts.size === 1 ? some : `${firsts.size} objects, among them ${some},`} had something put over what the host put; ` +
      "the first version is read. Find out who did it, and bring that version back",
  );
  return {
    history,
    head: (name) => store.head(name),
    get: (name, options) => {
      const version = firsts.get(name);
      const most = { maxBytes: options?.maxBytes ?? 64 << 20 };
      return version === undefined ? store.get(name, options) : history.get(name, version, most);
    },
    getRange: (name, offset, length, memory) => {
      const version = firsts.get(name);
      return version === undefined
        ? store.getRange(name, offset, length, memory)
        : history.getRange(name, version, offset, length);
    },
  };
}
