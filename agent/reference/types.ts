/** A flag as a shell or a manual page tells it. */
export interface FlagOutline {
  /** As it is typed, with its dashes: `--key-file`. */
  readonly name: string;
  /** The one-letter form, with its dash. */
  readonly short: string | null;
  /** The form that says no, where there is one: `--no-delta`. */
  readonly negated: string | null;
  readonly brief: string;
  /** What follows it; null for a switch. */
  readonly value: ValueOutline | null;
}

/** A value that is typed after a flag or by itself. */
export interface ValueOutline {
  readonly placeholder: string;
  /** All that is allowed, where that is a short list. */
  readonly choices: readonly string[];
}

/** A command, or a word that only leads to others (`key`). */
export interface CommandOutline {
  /** The words after `coldkeep`: `key`, `add`. */
  readonly words: readonly string[];
  readonly brief: string;
  /** The sentences of its help, without examples. */
  readonly about: string;
  /** What is typed after `coldkeep `, and what it does. */
  readonly examples: readonly (readonly [typed: string, does: string])[];
  /** The whole usage line; empty for a word that only leads to others. */
  readonly usage: string;
  readonly flags: readonly FlagOutline[];
  readonly places: readonly ValueOutline[];
  /** Words that may follow, with their briefs. */
  readonly next: readonly { readonly word: string; readonly brief: string }[];
}

/** The whole command line; the first command is `coldkeep` itself, without words. */
export interface Outline {
  readonly version: string;
  readonly commands: readonly CommandOutline[];
}

/** Whether what is typed is a file or folder of this machine, which shells complete. */
export function isPath({ placeholder }: ValueOutline): boolean {
  return /^(?:path|file|folder|dir|directory)$/.test(placeholder);
}
