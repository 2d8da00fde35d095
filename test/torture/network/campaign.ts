import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../posix/clock.ts";
import { runHere } from "../../cli/run.ts";
import { startVersityGw } from "../../e2e/emulator/versitygw.ts";
import { type Act, type S3Call, type S3Proxy, startProxy } from "../../e2e/proxy.ts";
import { freshVault } from "../../e2e/s3.ts";
import type { Chance } from "../chance.ts";
import type { Campaign, Context } from "../types.ts";
import { clear, type Ended, endWorld, faultOfData, makeWorld, type World } from "../world.ts";

/** What a line or a server does. It befalls the call that chance picks, and so many after it. */
interface Harm {
  readonly what: string;
  readonly act: Act;
  /** Calls, or all that come within so many milliseconds. */
  readonly calls?: number;
  readonly ms?: number;
  /** Only calls that say yes. */
  readonly hits?: (call: S3Call) => boolean;
}

const reads = ({ method }: S3Call) => method === "GET" || method === "HEAD";
const puts = ({ method }: S3Call) => method === "PUT";

const HARMS: readonly Harm[] = [
  { what: "connections reset before the call", act: "reset-before", calls: 3 },
  { what: "connections reset after the call took effect", act: "reset-after", calls: 2 },
  { what: "answers cut off", act: "reset-within", calls: 2 },
  { what: "requests cut off", act: "cut-request", calls: 2, hits: puts },
  { what: "a call that nobody answers", act: "stall", calls: 1 },
  { what: "an answer that stops", act: "stall-within", calls: 1, hits: reads },
  { what: "calls that arrive twice", act: "twice", calls: 20 },
  { what: "a line of 1 KB/s", act: { bytesPerSecond: 1024 }, calls: 3 },
  { what: "bytes changed on the way", act: "corrupt", calls: 2, hits: reads },
  { what: "500 InternalError", act: { status: 500, code: "InternalError" }, calls: 4 },
  { what: "503 SlowDown", act: { status: 503, code: "SlowDown" }, calls: 12 },
  { what: "403 AccessDenied in the middle", act: { status: 403, code: "AccessDenied" }, ms: 600_000 },
  { what: "403 ExpiredToken in the middle", act: { status: 403, code: "ExpiredToken" }, ms: 600_000 },
  { what: "stale reads", act: "stale", ms: 600_000, hits: reads },
  { what: "an outage of some seconds", act: "reset-before", ms: 5000 },
  { what: "an outage that outlasts the run", act: "reset-before", ms: 600_000 },
];

export const campaign: Campaign = {
  name: "network",
  shows:
    "A proxy stands between the real command line and a real S3 server (VersityGW) and does what lines and servers do, from a " +
    "random call on. After each: the command succeeded, or said why not with an exit code of its own; the node runs; every " +
    "snapshot that was committed is listed and passes `verify --all --read-data` by a clean line, and the same command run again " +
    "comes to its end, building on what was stored before.",
  async missing() {
    const server = await startVersityGw();
    if ("missing" in server) return server.missing;
    await server.stop();
    return null;
  },
  async run(context) {
    const server = await startVersityGw();
    if ("missing" in server) throw new Error(server.missing);
    const proxy = await startProxy(server.endpoint, { remembers: true });
    try {
      const { url } = await freshVault(server.endpoint);
      const init = ["--endpoint", proxy.endpoint, "--region", "us-east-1"];
      const world = await makeWorld(join(context.scratch, "host"), { vaultUrl: url, init });
      try {
        // An outage that outlasts the run is to end it within the round.
        world.change(/^( *)endpoint:/m, "$1retry_for: 20s\n$1endpoint:");
        await play(context, world, proxy, server.endpoint);
      } finally {
        endWorld(world);
      }
    } finally {
      await proxy.stop();
      await server.stop();
    }
  },
};

interface Deed {
  readonly name: string;
  readonly words: (world: World, chance: Chance) => readonly string[];
}

const target = (world: World) => join(world.home, "target");
const DEEDS: readonly Deed[] = [
  { name: "backup", words: (_, chance) => ["backup", ...(chance.hits(0.3) ? ["--full"] : [])] },
  { name: "backup", words: () => ["backup"] },
  { name: "restore", words: (world) => ["restore", "latest", "--to", target(world)] },
  { name: "verify", words: () => ["verify", "--all", "--read-data"] },
  { name: "drill", words: () => ["drill"] },
];

async function play(context: Context, world: World, proxy: S3Proxy, endpoint: string): Promise<void> {
  const direct = join(world.home, "direct.yaml");
  writeFileSync(direct, readFileSync(world.config, "utf8").replaceAll(proxy.endpoint, endpoint));
  /** By a line on which nothing happens. */
  const clean = async (...words: string[]) =>
    runHere([...words, "--json", "--config", direct], { clock: systemClock, env: process.env });
  const usual = new Map<string, number>();
  const first = await clean("backup");
  if (first.code !== 0) throw new Error(first.stderr);

  await context.rounds(async (chance) => {
    const harm = chance.pick(HARMS);
    const deed = chance.pick(DEEDS);
    world.compact(chance);
    clear(target(world));
    const before = await listed(clean);
    const words = deed.words(world, chance);
    const from = chance.whole(1, usual.get(deed.name) ?? 12);
    const befell = behave(proxy, harm, from);
    const ended = await world.run(words);
    proxy.behave(() => "pass");
    if (befell.times === 0) usual.set(deed.name, befell.calls);
    const fault = await faultAfter(world, clean, words, ended, before);
    if (fault !== null) context.record(harm.what, "lost", { why: `${words.join(" ")} (${ended.code}): ${fault}` });
    else if (befell.times > 0) context.record(harm.what, ended.code === 0 ? "survived" : "detected");
  });
}

/** Lets it happen from the `from`-th call on; counts. */
function behave(proxy: S3Proxy, harm: Harm, from: number): { times: number; calls: number } {
  const seen = { times: 0, calls: 0 };
  let until = Number.POSITIVE_INFINITY;
  proxy.behave((call) => {
    seen.calls += 1;
    if (seen.calls < from || harm.hits?.(call) === false) return "pass";
    if (harm.calls !== undefined && seen.times >= harm.calls) return "pass";
    if (seen.times === 0 && harm.ms !== undefined) until = performance.now() + harm.ms;
    if (performance.now() > until) return "pass";
    seen.times += 1;
    return harm.act;
  });
  return seen;
}

type Clean = (
  ...words: string[]
) => Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;

async function listed(clean: Clean): Promise<string[]> {
  const { code, stdout, stderr } = await clean("list");
  if (code !== 0) throw new Error(`list ended with ${code}: ${stderr}`);
  return (JSON.parse(stdout) as { snapshots: { snapshot: string }[] }).snapshots.map(({ snapshot }) => snapshot);
}

async function faultAfter(
  world: World,
  clean: Clean,
  words: readonly string[],
  { code, stdout, stderr }: Ended,
  before: readonly string[],
): Promise<string | null> {
  if (!world.node("is-running")) return "the node is down";
  if (code !== 0 && (code === 1 || !/"kind":"(?!internal)/.test(stderr))) return `no clear words: ${stderr}`;
  const recovered = await clean("recover");
  if (recovered.code !== 0) return `recover ended with ${recovered.code}: ${recovered.stderr}`;
  if (existsSync(world.frozen) && readdirSync(world.frozen).length > 0) return "something was left frozen";
  if (existsSync(target(world))) {
    const fault = faultOfData(join(target(world), "data"));
    if (fault !== null) return fault;
  } else if (words[0] === "restore" && code === 0) return "it said that it restored, and nothing is there";
  if (code !== 0) {
    const again = await clean(...words);
    if (again.code !== 0) return `the same again by a clean line ended with ${again.code}: ${again.stderr}`;
  }
  const said =
    code === 0 && words[0] === "backup" ? (JSON.parse(stdout) as { snapshot: string; listed: boolean }) : null;
  // Committed and told that it is not listed yet, and what lists it: its last calls were among those that failed.
  if (said?.listed === false && !stdout.includes("coldkeep rebuild")) return `not told what lists it: ${stdout}`;
  if (said?.listed === false) await clean("rebuild");
  const after = await listed(clean);
  const made = said === null ? [] : [said.snapshot];
  const gone = [...before, ...made].filter((snapshot) => !after.includes(snapshot));
  if (gone.length > 0) return `not listed: ${gone.join(", ")}`;
  const verified = await clean("verify", "--all", "--read-data");
  return verified.code === 0 ? null : `verify ended with ${verified.code}: ${verified.stderr}`;
}
