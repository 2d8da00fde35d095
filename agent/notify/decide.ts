import type { Told } from "./memory.ts";

/** What is amiss now, by a name that stays the same while it is. */
export type Amiss = Readonly<Record<string, { readonly kind: string; readonly words: string }>>;

export interface Decision {
  /** What is to be told as amiss: new, or not told for a day; `since` in milliseconds since the epoch. */
  readonly tell: readonly {
    readonly name: string;
    readonly kind: string;
    readonly words: string;
    readonly since: number;
  }[];
  /** What was amiss and is no longer. */
  readonly over: readonly { readonly name: string; readonly since: number; readonly times: number }[];
  readonly told: Told;
}

const DAY = 24 * 3_600_000;

export interface DecideOptions {
  /** Tell of each, however lately it was told: a run that fails is news, a state that lasts is not. */
  readonly each: boolean;
  /** Of what was amiss, that of which nothing is known now: it is neither told nor over. */
  readonly unknown: (name: string) => boolean;
}

/** What people have to hear: what is amiss once, and again after each day; and that it is over. Pure. */
export function decide(before: Told, amiss: Amiss, now: number, { each, unknown }: DecideOptions): Decision {
  const tell: Decision["tell"][number][] = [];
  const kept: Record<string, Told["amiss"][string]> = {};
  for (const [name, { kind, words }] of Object.entries(amiss)) {
    const known = before.amiss[name];
    const since = known?.since ?? now;
    const times = (known?.times ?? 0) + 1;
    // A clock that was set back would else keep quiet for as long.
    const due = known === undefined || each || now - known.told >= DAY || now < known.told;
    if (due) tell.push({ name, kind, words, since });
    kept[name] = { since, told: due ? now : known.told, times };
  }
  const gone = Object.entries(before.amiss).filter(([name]) => !(name in amiss));
  for (const [name, known] of gone) if (unknown(name)) kept[name] = known;
  const over = gone.filter(([name]) => !unknown(name)).map(([name, { since, times }]) => ({ name, since, times }));
  return { tell, over, told: { amiss: kept } };
}
