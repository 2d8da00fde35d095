import { expect, it } from "vitest";
import { tempDir } from "../support/tmp.ts";
import { CAMPAIGNS } from "./campaigns.ts";
import { play } from "./play.ts";

/** A round of each campaign that needs no process of its own but tar's; more of them: `npm run torture`. */
it.each(["adversary", "corrupt", "hostile", "meet"])("a round of the campaign %s loses nothing", async (name) => {
  const load = CAMPAIGNS[name];
  if (load === undefined) throw new Error(`there is no campaign ${name}`);
  const { campaign } = await load();
  const under = tempDir("coldkeep-torture");
  const options = { seed: "1", first: 1, rounds: 1, minutes: 10, under, keep: false, stopAtFailure: false };
  const { failures, rows, rounds } = await play(campaign, { ...options, say: () => {} });
  expect(failures).toEqual([]);
  expect(rounds).toBe(1);
  expect(rows.reduce((all, { times }) => all + times, 0)).toBeGreaterThan(4);
});
