import type { Campaign, Context } from "../types.ts";
import { startPlayer } from "./player.ts";
import { playTar } from "./tar.ts";

/** Every parser of what may come from strangers, as `targets.ts` names them. */
const TARGETS = [
  "BackupEngine meta",
  "HTTP routes",
  "card",
  "chainmaker.yml",
  "config",
  "index",
  "key.json",
  "manifest",
  "pack",
  "records",
  "segment",
  "tar import",
  "ticket",
] as const;
/** Executions of each, a round; and archives that tar unpacks, each by a process of its own. */
const A_ROUND = 300;
const TARS_A_ROUND = 2;

export const campaign: Campaign = {
  name: "hostile",
  shows:
    "What strangers can write is read, after changes that keep its form: cards, manifests, lists of files, packs with bombs in them, " +
    "key files, indexes, records, configurations, meta files of RocksDB, tickets, requests to a presenter, archives. Each execution " +
    "ends in a value or in an error that names the object; no other exception, no hang, 256 MiB of heap, no path outside.",
  run: playHostile,
};

async function playHostile(context: Context): Promise<void> {
  const player = startPlayer();
  try {
    await context.rounds(async (chance, round) => {
      const seed = chance.whole(0, 2 ** 31);
      for (const target of TARGETS) {
        const from = (round - 1) * A_ROUND;
        const findings = await player.play({ target, seed, from, to: from + A_ROUND });
        const good = A_ROUND - findings.length;
        if (good > 0) context.record(`${target}, executions`, "detected", { times: good });
        for (const { nth, what } of findings) {
          context.record(`${target}, executions`, "lost", { why: `seed ${seed}, execution ${nth}: ${what}` });
        }
      }
      for (let nth = 0; nth < TARS_A_ROUND; nth += 1) {
        const why = await playTar(seed, nth, context.scratch);
        if (why === null) context.record("tar import, unpacked by tar", "detected");
        else context.record("tar import, unpacked by tar", "lost", { why: `seed ${seed}, archive ${nth}: ${why}` });
      }
      context.measure("memory of the process at the end, MB", Math.round(process.memoryUsage.rss() / 1e6));
    });
  } finally {
    await player.close();
  }
}
