import type { Progress } from "../../vault/names/index.ts";
import type { ManifestEntry } from "../../vault/sealed/types.ts";
import { isReduced, type MetadataPolicy } from "./metadata.ts";

/** What a restore has to say besides figures; each thing once, however many files it concerns. */
export interface Notes {
  add(text: string): void;
  /** Remembers what the policy leaves out of an entry. */
  seen(entry: ManifestEntry, policy: MetadataPolicy): void;
  all(): readonly string[];
}

export function makeNotes(progress: Progress): Notes {
  const notes = new Set<string>();
  const add = (text: string) => {
    if (notes.has(text)) return;
    notes.add(text);
    progress.note(text);
  };
  return {
    add,
    seen: (entry, policy) => {
      if (!policy.owners) add("owners were not restored: that takes root");
      if (isReduced(entry, policy)) {
        add("setuid, setgid and security.* attributes were left out; --keep-special-bits restores them");
      }
    },
    all: () => [...notes],
  };
}
