import { expect, it } from "vitest";
import { onCi } from "../support/ci.ts";
import { tempDir } from "../support/tmp.ts";
import { CAMPAIGNS } from "../torture/campaigns.ts";
import { play } from "../torture/play.ts";

/** Longer than in `npm test`, and those that want real servers. `COLDKEEP_TORTURE_SEED` is another seed. */
const SEED = process.env.COLDKEEP_TORTURE_SEED ?? "systems";

for (const [name, rounds] of [
  ["crash", 5],
  ["disk", 5],
  ["network", 3],
  ["power", 5],
  ["soak", 2],
] as const) {
  const { campaign } = (await CAMPAIGNS[name]?.()) ?? {};
  if (campaign === undefined) throw new Error(`there is no campaign ${name}`);
  const missing = (await campaign.missing?.()) ?? null;
  if (missing !== null && onCi()) throw new Error(missing);
  const why = missing === null ? "" : ` (${missing})`;

  it.skipIf(missing !== null)(
    `${rounds} rounds of the campaign ${name}, seed ${SEED}, lose nothing${why}`,
    async () => {
      const under = tempDir("coldkeep-torture");
      const options = { seed: SEED, first: 1, rounds, minutes: 10, under, keep: false, stopAtFailure: false };
      const result = await play(campaign, { ...options, say: (text) => console.log(text) });
      expect(result.failures).toEqual([]);
      expect(result.rounds).toBe(rounds);
    },
  );
}
