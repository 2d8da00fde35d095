import fc from "fast-check";
import { play, stories } from "../../support/protocol-story.ts";
import type { Campaign } from "../types.ts";

/** Most that happens in one story, and how many a round plays. */
const LENGTH = 160;
const STORIES = 5;

export const campaign: Campaign = {
  name: "meet",
  shows:
    "The protocol as a model (ARCHITECTURE.md): two hosts with one key, one of which may be an image of the other, a stranger, a thief " +
    "of the key, operators, restores, key rotations, copies into a second vault with keepers of its own, and any number of keepers over " +
    "one vault. Every call of one may come between any two of another's, and may be its last; events are lost, late or twice; machines' " +
    "clocks are up to 80 days off. Fifteen invariants are looked at after each step by observers that forget nothing.",
  run: async (context) => {
    await context.rounds(async (chance) => {
      const happened = new Map<string, number>();
      const seed = chance.whole(1, 2 ** 31 - 1);
      for (const story of fc.sample(stories(LENGTH), { numRuns: STORIES, seed })) {
        const violations = await play(story, happened);
        context.count("steps", story[1].length);
        if (violations.length === 0)
          context.record("a story of hosts and keepers that die, sleep and meet", "survived");
        else {
          const why = `sampled by seed ${seed}: ${violations.join("; ")}; ${JSON.stringify(story)}`;
          context.record("a story of hosts and keepers that die, sleep and meet", "lost", { why });
        }
      }
      for (const [what, times] of happened) context.count(what, times);
    });
  },
};
