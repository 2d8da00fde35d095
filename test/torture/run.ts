/**
 * Fault campaigns: whatever happens, nothing is lost. Each does one kind of harm again and again, by a seed, and looks
 * after every time whether all promises hold.
 *
 *     npm run torture -- [--campaign crash,disk] [--seed 1] [--rounds 20] [--minutes 5]
 *
 * - `--campaign` names, by commas; all of `campaigns.ts` where it is not given.
 * - `--seed` any text. The same seed makes the same decisions; which moment of a process they meet may differ.
 * - `--rounds`, `--minutes` end it, whichever comes first: 20 rounds and 10 minutes for each campaign.
 * - `--first` N begins with that round: with `--rounds 1` a round that failed is played alone.
 * - `--scratch` a folder to work in, best on a disk; the system's temporary folder otherwise.
 * - `--keep` leaves what was worked in; `--stop` ends at the first promise that is broken.
 * - `--results` a folder for figures, `<campaign>-<seed>.json`, saved after every round; test/torture/results holds those
 *   that docs/RELIABILITY.md is made from, by `npm run torture:report`.
 *
 * `COLDKEEP_TORTURE_PROGRAM` is another command line than this checkout's, such as `dist/coldkeep.mjs` after `npm run build`,
 * which starts sooner.
 *
 * Ends with 1 where anything was lost. **A new campaign** is a file that exports a `campaign` (`types.ts`: its name, what
 * it shows, `run(context)`), and a line in `campaigns.ts`. Its `run` calls `context.rounds(play)`; `play(chance, round)`
 * takes all its decisions from `chance` and tells of each calamity by `context.record(what, outcome)`: `survived`,
 * `detected`, or `lost` with the reason. What a round throws is recorded as lost. Nothing here may import Vitest, also by
 * way of helpers: `short.test.ts` plays a few rounds of each campaign by the same function.
 */
import { parseArgs } from "node:util";
import { CAMPAIGNS } from "./campaigns.ts";
import { play } from "./play.ts";
import { saveResult } from "./results.ts";

const { values } = parseArgs({
  options: {
    campaign: { type: "string", default: Object.keys(CAMPAIGNS).join(",") },
    seed: { type: "string", default: String(process.pid) },
    rounds: { type: "string", default: "20" },
    minutes: { type: "string", default: "10" },
    first: { type: "string", default: "1" },
    scratch: { type: "string" },
    results: { type: "string" },
    keep: { type: "boolean", default: false },
    stop: { type: "boolean", default: false },
  },
});
const say = (text: string) => process.stderr.write(`${text}\n`);
const { results } = values;

for (const name of values.campaign.split(",")) {
  const load = CAMPAIGNS[name];
  if (load === undefined)
    throw new Error(`there is no campaign ${name}; there are ${Object.keys(CAMPAIGNS).join(", ")}`);
  const { campaign } = await load();
  const result = await play(campaign, {
    seed: values.seed,
    first: Number(values.first),
    rounds: Number(values.rounds),
    minutes: Number(values.minutes),
    ...(values.scratch === undefined ? {} : { under: values.scratch }),
    keep: values.keep,
    stopAtFailure: values.stop,
    say,
    ...(results === undefined ? {} : { save: (so) => saveResult(results, so) }),
  });
  if (results !== undefined) saveResult(results, result);
  console.log(`${name}, seed ${result.seed}: ${result.rounds} rounds in ${result.took} s`);
  console.table(result.rows);
  const figures = { ...result.measured, ...result.counted };
  if (Object.keys(figures).length > 0) console.table(figures);
  for (const { what, round, why } of result.failures) console.log(`LOST in round ${round}: ${what}: ${why}`);
  if (result.failures.length > 0) process.exitCode = 1;
}
