import { FOUND } from "./found.ts";
import type { Result, Row } from "./types.ts";

/** docs/RELIABILITY.md, from figures alone: nothing in it is written by hand but what frames them. */
export function renderReport(results: readonly Result[]): string {
  const names = [...new Set(results.map(({ campaign }) => campaign))];
  return [
    "# Reliability",
    "",
    "What coldkeep was put through, how often, and what was lost by it. Made from the figures in `test/torture/results` by",
    "`npm run torture:report`; `npm run torture -- --campaign <name> --seed <seed> --rounds <n>` plays a campaign again, and",
    "`npm test` plays a few rounds of each. *Survived*: the work went on, or went on after the next start, as though",
    "nothing had been. *Detected*: it was told in words, and nothing was lost. *Lost*: a promise was broken.",
    "",
    "| campaign | calamities | survived | detected | lost |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...names.map((name) => {
      const { times, survived, detected, lost } = sum(name, rowsOf(results, name));
      return `| [${name}](#${name}) | ${count(times)} | ${count(survived)} | ${count(detected)} | ${count(lost)} |`;
    }),
    "",
    ...names.flatMap((name) => section(name, results)),
    "## Found on the way",
    "",
    ...(FOUND.length === 0
      ? ["Nothing yet.", ""]
      : [
          "Each was mended, and has a test of its own.",
          "",
          "| campaign | seed | what | test |",
          "| --- | --- | --- | --- |",
          ...FOUND.map(({ campaign, seed, what, test }) => `| ${campaign} | ${seed} | ${what} | \`${test}\` |`),
          "",
        ]),
  ].join("\n");
}

function section(name: string, results: readonly Result[]): string[] {
  const mine = results.filter(({ campaign }) => campaign === name);
  const rounds = mine.reduce((all, result) => all + result.rounds, 0);
  const measured = Object.assign({}, ...mine.map((result) => result.measured)) as Record<string, number | string>;
  for (const { counted = {} } of mine)
    for (const [what, times] of Object.entries(counted)) measured[what] = times + Number(measured[what] ?? 0);
  return [
    `## ${name}`,
    "",
    mine.at(-1)?.shows ?? "",
    "",
    "| what | how often | survived | detected | lost |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...rowsOf(results, name).map(
      ({ what, times, survived, detected, lost }) =>
        `| ${what} | ${count(times)} | ${count(survived)} | ${count(detected)} | ${count(lost)} |`,
    ),
    "",
    ...Object.entries(measured).map(
      ([what, value]) => `- ${what}: ${typeof value === "number" ? count(value) : value}`,
    ),
    ...(Object.keys(measured).length > 0 ? [""] : []),
    ...mine.flatMap(({ seed, discounted = [] }) =>
      discounted.map(({ what, round, why }) => `- not counted: round ${round} of seed \`${seed}\`, ${what}: ${why}`),
    ),
    ...(mine.some(({ discounted = [] }) => discounted.length > 0) ? [""] : []),
    `${count(rounds)} rounds. ${mine
      .map(({ seed, date, version }) => `Seed \`${seed}\`, ${date.slice(0, 10)}, ${version}`)
      .join("; ")}.`,
    "",
  ];
}

/** Lines of one name, summed over all seeds. */
function rowsOf(results: readonly Result[], name: string): Row[] {
  const all = results.filter(({ campaign }) => campaign === name).flatMap(({ rows }) => rows);
  return [...new Set(all.map(({ what }) => what))].sort().map((what) =>
    sum(
      what,
      all.filter((row) => row.what === what),
    ),
  );
}

function sum(what: string, rows: readonly Row[]): Row {
  const total = (of: (row: Row) => number) => rows.reduce((so, row) => so + of(row), 0);
  return {
    what,
    times: total(({ times }) => times),
    survived: total(({ survived }) => survived),
    detected: total(({ detected }) => detected),
    lost: total(({ lost }) => lost),
  };
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}
