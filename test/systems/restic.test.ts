import fc from "fast-check";
import { expect, it } from "vitest";
import { applyTiers } from "../../vault/retain/policy.ts";
import { zoneOf } from "../../vault/retain/zone.ts";
import { tags, tiers, times } from "../support/histories.ts";
import { flagsOf, keepsOldest, resticRepository, resticVersion } from "../support/restic.ts";
import { tempDir } from "../support/tmp.ts";

const version = resticVersion();
const missing = version === null ? "restic is missing: apt-get install restic" : null;
const [zone, snapshots, questions] = ["Europe/Berlin", 25, 24];

it.skipIf(missing !== null)(
  `retention keeps what restic ${version?.join(".") ?? "?"} keeps of random histories${missing === null ? "" : ` (${missing})`}`,
  { timeout: 600_000 },
  async () => {
    if (version === null) throw new Error("never without restic");
    const seed = Math.floor(Math.random() * 2 ** 31);
    const sample = <T>(what: fc.Arbitrary<T>, numRuns: number) => fc.sample(what, { numRuns, seed });
    const { offset, toTime } = zoneOf(zone);
    const [drawn = []] = sample(times(snapshots), 1);
    // restic is told local times: of an hour that clocks show twice it can be told one only.
    const received = drawn.filter((time) => toTime(time + offset(time)) === time);
    const found = sample(fc.tuple(tags, fc.subarray(["h0", "h1", "h2", "h3"], { minLength: 1 })), received.length);
    const repository = await resticRepository(tempDir(), zone);
    const all = received.map((time, at) => ({ received: time, tags: found[at]?.flat() ?? [] }));
    for (const one of all) await repository.backup(one.received, one.tags);
    expect(new Set(await repository.times())).toEqual(new Set(received));
    for (const [at, rules] of sample(tiers, questions).entries()) {
      const history = `h${at % 4}`;
      const mine = all.filter((one) => one.tags.includes(history));
      const kept = new Set(await repository.forget(history, flagsOf(rules)));
      const reasons = applyTiers(mine, { ...rules, timezone: zone }, { keepOldest: keepsOldest(version) });
      const ours = mine.filter((_, place) => (reasons[place] ?? []).length > 0).map((one) => one.received);
      expect(ours, `seed ${seed}: ${flagsOf(rules).join(" ")}`).toEqual(
        mine.map((one) => one.received).filter((time) => kept.has(time)),
      );
    }
  },
);
