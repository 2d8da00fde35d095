import { isColdkeepError, messageOf } from "../../../vault/names/index.ts";
import type { Context } from "../types.ts";
import { type Answers, askAll } from "./ask-records.ts";
import type { Harm } from "./harm.ts";
import type { Records } from "./records.ts";

/** What must hold whatever happens to a record that it does not hang on. */
const HARD: ReadonlyMap<string, readonly string[]> = new Map([
  ["read 0", ["whole"]],
  ["read 1", ["whole"]],
  ["read 2", ["whole"]],
  ["what a restore needs", ["whole"]],
  ["what an operator pinned", ["whole"]],
  ["the newest", ["whole"]],
  ["what a retired node has", ["there"]],
  ["a further pin", ["holds", "refused"]],
  ["where the verifier goes on", ["within bounds"]],
  ["the next night's report", ["is there"]],
  ["the page after news of all", ["as made anew"]],
]);

/**
 * What nobody can tell from outside: the last of an operator's words taken away, so that the one before it holds; words
 * and times that nothing signs. Whoever may delete or replace is kept from it by locks, not by looking.
 */
const UNSEEN: readonly (readonly [what: RegExp, name: RegExp, fact: RegExp])[] = [
  [/^mark: deleted$/, /\.mark\.2\.json$/, /^(mark|index|what an operator pinned)$/],
  [/^mark: a bit flipped/, /./, /^index$/],
  [/^standing: deleted$/, /standing\.3\.json$/, /^(standing|what a retired node has)$/],
  [/^pin: (deleted|a bit flipped)/, /./, /^what a restore needs$/],
  [/^expired: deleted$/, /\.expired\.3\.json$/, /^(index|what a restore needs)$/],
  [/^issued ticket: (deleted|a bit flipped)/, /./, /^tickets$/],
  [/^published share: (deleted|a bit flipped)/, /./, /^tickets$/],
  // Words for people, put anew each night; what a page tells of a node that has no news.
  [/^report: /, /./, /^what nights found$/],
  [/^status page: a bit flipped/, /./, /^the page after news of nobody$/],
  // Who may delete in the vault may let two nodes be down at once; an end that is gone costs the rest of its quarter of an hour.
  [/^turn: deleted$/, /./, /^a turn that another has$/],
  [/^end of a turn: deleted$/, /./, /^a turn that was handed on$/],
  [/^(origin record|group card): (deleted|a bit flipped)/, /./, /^(index|group)$/],
];

/** Does one harm to a record, asks whoever reads it, and undoes all of it. @param before what was said without it */
export async function sufferRecord(context: Context, records: Records, before: Answers, harm: Harm): Promise<void> {
  const { store } = records.vault;
  const undo = keep(records);
  harm.apply(store);
  try {
    const { facts, said } = await askAll(records);
    const told = said.filter((text) => !before.said.includes(text));
    const named = told.some((text) => text.includes(harm.name));
    for (const [question, answer] of facts) {
      const usual = before.facts.get(question);
      if (answer === usual || HARD.get(question)?.includes(answer) === true) continue;
      const unseen = UNSEEN.some(
        ([what, name, fact]) => what.test(harm.what) && name.test(harm.name) && fact.test(question),
      );
      if (unseen || (named && !HARD.has(question))) continue;
      throw new Error(`${question}: ${answer}, and was ${usual}; told: ${told.join(" | ")}`);
    }
    context.record(harm.what, named ? "detected" : "survived");
  } catch (error) {
    const why = isColdkeepError(error)
      ? `${error.kind}: ${messageOf(error)}`
      : ((error as Error).stack ?? String(error));
    context.record(harm.what, "lost", { why: `${harm.name}: ${why}` });
  } finally {
    undo();
  }
}

/** Puts the store back as it is now, whatever is done to it meanwhile. */
export function keep({ vault: { store, clock } }: Records): () => void {
  const before = new Map([...store.objects].map(([name, object]) => [name, { ...object }]));
  const { now } = clock;
  return () => {
    clock.now = now;
    store.objects.clear();
    for (const [name, object] of before) store.objects.set(name, object);
  };
}
