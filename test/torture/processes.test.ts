import { describe, expect, it } from "vitest";
import { onCi } from "../support/ci.ts";
import { tempDir } from "../support/tmp.ts";
import { CAMPAIGNS } from "./campaigns.ts";
import { faultLibrary } from "./fault/fault.ts";
import { play } from "./play.ts";

/** A few rounds of the campaigns whose processes meet faults; more of them: `npm run torture`. */
const library = faultLibrary();
const missing = typeof library === "string" ? "" : ` (${library.missing})`;
if (missing !== "" && onCi()) throw new Error(missing);

describe.skipIf(missing !== "")(`rounds of a campaign${missing}`, { timeout: 300_000 }, () => {
  it.each([
    ["crash", "short", 3],
    ["disk", "short", 3],
  ])("%s, seed %s, lose nothing", async (name, seed, rounds) => {
    const { campaign } = (await CAMPAIGNS[name]?.()) ?? {};
    if (campaign === undefined) throw new Error(`there is no campaign ${name}`);
    const under = tempDir("coldkeep-torture");
    const options = { seed, first: 1, rounds, minutes: 10, under, keep: false, stopAtFailure: false };
    const result = await play(campaign, { ...options, say: () => {} });
    expect(result.failures).toEqual([]);
    expect(result.rounds).toBe(rounds);
  });
});
