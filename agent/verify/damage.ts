import { type ColdkeepError, messageOf } from "../../vault/names/index.ts";
import type { Damage } from "./types.ts";

/** Paths named in a report, an object. */
const SHOWN = 100;
/** Different findings told of one object. */
const TOLD = 5;

/** Collects what is wrong, by object. */
export interface Damages {
  /** `path` is a file that cannot be restored because of it; latin1, as bytes. */
  add(object: string, what: string, path?: string): void;
  /** One more file that an object already found damaged costs. */
  addFile(object: string, path: string): void;
  /** Something that makes the whole snapshot unusable. */
  addFatal(error: ColdkeepError, object: string): void;
  list(): readonly Damage[];
}

export function makeDamages(): Damages {
  const found = new Map<string, { readonly whats: Set<string>; readonly paths: Set<string>; fatal: boolean }>();
  const of = (object: string) => {
    let damage = found.get(object);
    if (damage === undefined) {
      damage = { whats: new Set(), paths: new Set(), fatal: false };
      found.set(object, damage);
    }
    return damage;
  };
  return {
    add: (object, what, path) => {
      const damage = of(object);
      damage.whats.add(what);
      if (path !== undefined) damage.paths.add(path);
    },
    addFatal: (error, object) => {
      const damage = of(object);
      damage.whats.add(messageOf(error));
      damage.fatal = true;
    },
    addFile: (object, path) => {
      of(object).paths.add(path);
    },
    list: () =>
      [...found].map(([object, { whats, paths, fatal }]) => ({
        object,
        what: tell([...whats]),
        files: [...paths]
          .sort()
          .slice(0, SHOWN)
          .map((path) => Buffer.from(path, "latin1").toString("utf8")),
        affected: fatal ? null : paths.size,
      })),
  };
}

function tell(whats: readonly string[]): string {
  const told = whats.slice(0, TOLD).join("; ");
  return whats.length > TOLD ? `${told}; and ${whats.length - TOLD} more` : told;
}
