import { expect, it } from "vitest";
import { profileNames } from "../../../agent/profiles/index.ts";
import { busyNode, frozenViewHolds } from "../../support/frozen-view.ts";

const ROUNDS = 3;
const names = profileNames();

// All at once, since each mostly waits for its node to write. The 50 rounds are test/systems/frozen-view.test.ts.
it(`the frozen view never changes while the restarted node writes as fast as it can: ${ROUNDS} rounds of 2 s of ${names.join(", ")}`, {
  timeout: 180_000,
}, async () => {
  const compared = await Promise.all(names.map((name) => frozenViewHolds(busyNode(name), ROUNDS)));
  expect(Math.min(...compared)).toBeGreaterThan(ROUNDS);
});
