import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ASKED } from "../../agent/cost/index.ts";
import { indexSnapshots } from "../../keeper/index.ts";
import { settingsOf } from "../../lambdas/common/settings.ts";
import { retainNode } from "../../lambdas/retention/retain-node.ts";
import { verifyNode } from "../../lambdas/verifier/verify-node.ts";
import { systemClock } from "../../posix/clock.ts";
import type { Card } from "../../vault/card/index.ts";
import { openS3Store } from "../../vault/store/s3/index.ts";
import { runHere } from "../cli/run.ts";
import { keepingTeller } from "../lambdas/events.ts";
import { cardWorld, START, usesOf } from "../support/cards.ts";
import { countingStore } from "../support/counting-store.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { emulator } from "./emulator/index.ts";
import { type S3Proxy, startProxy } from "./proxy.ts";
import { endpointOf, makeBucket } from "./s3.ts";

const aws = await emulator();
const missing = "missing" in aws ? ` (${aws.missing})` : "";
const HOUR = 3_600_000;

/** What S3 charges for: puts and lists at one price, gets and heads at another; packs apart. */
interface Calls {
  readonly puts: number;
  readonly lists: number;
  readonly gets: number;
  readonly packs: number;
}

describe.skipIf(missing !== "")(`requests as \`coldkeep cost\` counts them${missing}`, { timeout: 240_000 }, () => {
  const folder = sharedTempDir("coldkeep-requests");
  const data = join(folder, "data");
  const config = ["--config", join(folder, "config.yaml")];
  let proxy: S3Proxy;
  let bucket = "";

  const run = async (...words: string[]) => {
    const { code, stderr } = await runHere([...words, "--json", ...config], { clock: systemClock });
    expect(code, stderr).toBe(0);
  };
  const counted = async (work: () => Promise<unknown>): Promise<Calls> => {
    proxy.calls.length = 0;
    await work();
    const of = (kind: string, pack: boolean) =>
      proxy.calls.filter((call) => call.kind === kind && call.key.endsWith(".pack") === pack).length;
    return {
      puts: of("PUT", false),
      lists: of("LIST", false),
      gets: of("GET", false) + of("HEAD", false) + of("other", false),
      packs: of("PUT", true) + of("GET", true) + of("HEAD", true),
    };
  };
  const node = settingsOf({
    format: 1,
    nodes: [{ name: "demo", at: "00:00", stale_after: "26h", reread_days: 1_000_000 }],
  }).get("demo");
  const open = () => {
    if (node === undefined) throw new Error("it is the one there is");
    const s3 = { endpoint: proxy.endpoint, pathStyle: true, region: "us-east-1" };
    return {
      node,
      store: openS3Store(`s3://${bucket}/nodes`, { s3, now: systemClock.now, version: "0.0.0", env: process.env }),
    };
  };
  /** As each function finds it: one that has just started. */
  const retain = () => {
    const at = open();
    return retainNode({ store: at.store, tell: keepingTeller(), now: systemClock.now }, at.node, { apply: true });
  };
  const verify = () => {
    const at = open();
    const others = { people: async () => {}, send: async () => {}, tell: keepingTeller() };
    // Long enough after all that came.
    const now = () => systemClock.now() + 2 * HOUR;
    return verifyNode({ store: at.store, now, ...others }, at.node, new AbortController().signal);
  };
  let changes = 0;
  const backup = async (): Promise<Calls> => {
    changes += 1;
    writeFileSync(join(data, `file-${changes}`), randomBytes(50_000));
    return counted(() => run("backup"));
  };

  beforeAll(async () => {
    proxy = await startProxy(endpointOf(aws));
    bucket = await makeBucket(endpointOf(aws), true, true);
    mkdirSync(data);
    writeFileSync(join(data, "large"), randomBytes(200_000));
    const up = join(folder, "up");
    writeFileSync(up, "");
    await run(
      ...["init", "--vault", `s3://${bucket}/nodes`, "--endpoint", proxy.endpoint, "--region", "us-east-1"],
      ...["--state-dir", join(folder, "state"), "--key-file", join(folder, "key"), "--node", "demo"],
      ...["--profile", "files", "--root", `data=${data}`],
      ...["--stop", `rm -f ${up}`, "--start", `touch ${up}`, "--is-running", `test -e ${up}`],
    );
    await backup();
  });
  afterAll(() => proxy?.stop());

  it("of a snapshot and of a night: all there are, and few more", async () => {
    // Here the host lists its snapshot itself; in AWS the indexer makes the same calls.
    const snapshot = await backup();
    covers(ASKED.snapshot.puts, snapshot.puts);
    covers(ASKED.snapshot.gets, snapshot.gets);
    expect(snapshot.lists).toBe(0);
    const night = async () => {
      await retain();
      await verify();
      const all = [await counted(retain), await counted(verify)];
      const sum = (of: (calls: Calls) => number) => all.reduce((total, calls) => total + of(calls), 0);
      return {
        lists: sum((calls) => calls.lists),
        gets: sum((calls) => calls.gets),
        packs: sum((calls) => calls.packs),
      };
    };
    const few = await night();
    await backup();
    const many = await night();
    const each = { lists: many.lists - few.lists, gets: many.gets - few.gets };
    expect(each.lists).toBe(ASKED.each.lists);
    covers(ASKED.each.gets, each.gets);
    // A night on which nothing is due; the next test has one on which something is.
    expect(few.lists - 2 * each.lists).toBeLessThanOrEqual(ASKED.night.lists);
    expect(few.gets - 2 * each.gets).toBeLessThanOrEqual(ASKED.night.gets);
    // Packs were looked at before.
    expect(many.packs).toBe(0);
  });

  it("of a night on which a snapshot expires and another one goes, in a vault of a month", async () => {
    const DAY = 24 * HOUR;
    const world = await cardWorld("demo");
    const tiers = { keep_within: "15d", timezone: "UTC" } as const;
    const settings = settingsOf({
      format: 1,
      nodes: [{ name: "demo", at: "00:00", stale_after: "26h", reread_days: 1_000_000, tiers }],
    }).get("demo");
    if (settings === undefined) throw new Error("it is the one there is");
    const calls: string[] = [];
    const store = { ...countingStore(world.store, (call) => calls.push(call)), delete: world.store.delete };
    const on = { store, tell: keepingTeller(), people: async () => {}, send: async () => {}, now: () => world.now };
    let parent: Card | null = null;
    for (let day = 0; day < 45; day += 1) {
      const over = parent === null ? {} : { parent: parent.core.snapshot, inherited: usesOf(parent).slice(-5) };
      parent = await world.snapshot({ at: START + day * DAY, ...over });
      await indexSnapshots({ store: world.store, node: world.node, ids: [parent.core.snapshot] });
      world.now += 2 * HOUR;
      calls.length = 0;
      await retainNode(on, settings, { apply: true });
    }
    await verifyNode(on, settings, new AbortController().signal);
    const kept = [...world.store.objects.keys()].filter((name) => name.endsWith(".card.json")).length;
    expect(kept).toBeLessThan(30);
    const of = (...kinds: readonly string[]) =>
      calls.filter((call) => kinds.some((kind) => call.startsWith(kind)) && !call.endsWith(".pack")).length;
    covers(ASKED.night.puts, of("PUT"));
    covers(ASKED.night.gets + kept * ASKED.each.gets, of("GET", "HEAD"));
    covers(ASKED.night.lists + kept * ASKED.each.lists, of("LIST"));
  });
});

/** What is counted on covers what was seen, and is not far above it. */
function covers(asked: number, seen: number): void {
  expect(asked, `${seen} were seen`).toBeGreaterThanOrEqual(seen);
  expect(asked, `${seen} were seen`).toBeLessThanOrEqual(Math.ceil(seen * 1.3));
}
