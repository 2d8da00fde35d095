import { ColdkeepError } from "../../vault/names/index.ts";
import { leveldb } from "./leveldb.ts";
import { makeProfile } from "./make.ts";
import { foldersIn } from "./search.ts";
import type { CaptureRule, Look, RenameContext, RootView } from "./types.ts";

/** The block database: of the layout before 2020-05 with the node's own address in its name, after it without. */
const BLOCKS = /^db_(?:(.+):(\d{1,5})_)?icon_dex$/;

const byName = (pattern: RegExp) => () => (name: string) => pattern.test(name);

const KEYS: CaptureRule = {
  files: "keystore*, *keystore*.json, *.pem, *.der, *.p12, *.key",
  mutability: "omitted",
  why: "the P-Rep's keys never leave their host",
  of: byName(/keystore|\.(?:pem|der|p12|key)$/i),
};

/**
 * A P-Rep of ICON 1 (loopchain), as its guide for cold backups has it: LevelDB below `.score_data` and `.storage`.
 */
export const icon = makeProfile({
  name: "icon",
  summary: "ICON P-Rep (loopchain): LevelDB of blocks and scores; the block database gets the own address at a restore",
  about:
    "A P-Rep of ICON 1 (loopchain): the folder that holds `.score_data` and `.storage` is the root, such as " +
    "/srv/prep/data/loopchain. Both layouts are known: the block database `.storage/db_<address>:7100_icon_dex`, and since " +
    "2020-05 `.storage/db_icon_dex`. loopchain itself cannot be had any more where this was tested: files of both layouts " +
    "were made with LevelDB 1.23, and its API was a stand-in.",
  rules: [KEYS, ...leveldb.rules],
  folders: [
    {
      folder: "cert/, keystore/",
      why: "the P-Rep's keys never leave their host",
      matches: (path) => /(?:^|\/)(?:cert|certs|keystore)$/i.test(path),
    },
  ],
  stopping: [
    "Compose drives a P-Rep: `manager: compose`, with services: [prep]. It is never taken down, only stopped.",
    "Where the node does not answer before a backup, it is restarted and the backup is left out (when_down: skip-and-restart, exit code 7).",
  ],
  height: { url: "http://127.0.0.1:9000/api/v1/avail/peer", field: "block_height" },
  identity: [
    { what: "keystore and certificates", rule: "never captured: bring your own to the host that is restored to" },
    {
      what: "the node's address in the name of its block database",
      rule:
        "becomes the own one at a restore: --own-ip, own_ip of the configuration, what own_ip_url of it answers, or the only " +
        "address of this host's interfaces; nobody outside is asked unless own_ip_url says so",
    },
  ],
  place: [
    "`.storage/db_<any>:7100_icon_dex` (also db_CHANGEIP:7100_icon_dex) becomes db_<own address>:7100_icon_dex, in the same swap that puts all in place.",
    "Where blocks of the older layout were captured under several addresses, it cannot be told which are alive: refused.",
  ],
  after: [
    "Its height, http://127.0.0.1:9000/api/v1/avail/peer, goes on from that of the snapshot; 503 means that it is not in service yet.",
  ],
  keep: { folder: "7d", bucket: "15d", permanent: "00:00" },
  signing: {
    record: ".storage: loopchain knows what it voted for by its blocks alone",
    why: "a P-Rep that is back at an old height may vote once more where its vote counts already, if the network did not go on meanwhile",
    todo: "see that the network is above all heights at which this P-Rep voted, and let it catch up before it is in service",
    signs: () => null,
  },
  discover(look, roots) {
    for (const { folder } of foldersIn(look, roots)) {
      const names = look.list(folder) ?? [];
      if (!names.includes(".storage/")) continue;
      const blocks = (look.list(`${folder}/.storage`) ?? []).filter((name) => BLOCKS.test(name.slice(0, -1)));
      if (blocks.length === 0) continue;
      const layout = blocks.some((name) => name === "db_icon_dex/") ? "layout since 2020-05" : "older layout";
      return { found: `ICON P-Rep (loopchain), ${layout}`, version: null, elsewhere: [] };
    }
    return null;
  },
  renames(look: Look, roots: readonly RootView[], context: RenameContext) {
    return roots.flatMap(({ path }) => {
      const storage = `${path}/.storage`;
      const named = (look.list(storage) ?? [])
        .filter((name) => name.endsWith("/"))
        .map((name) => ({ name: name.slice(0, -1), found: BLOCKS.exec(name.slice(0, -1)) }))
        .filter(({ found }) => found?.[1] !== undefined);
      const [only, another] = named;
      if (only === undefined) return [];
      if (another !== undefined) throw severalAddresses(named.map(({ name }) => name));
      const to = `db_${context.ownIp()}:${only.found?.[2]}_icon_dex`;
      return to === only.name ? [] : [{ from: `${storage}/${only.name}`, to: `${storage}/${to}` }];
    });
  },
});

function severalAddresses(names: readonly string[]): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "there are block databases of several addresses",
    on: names.join(", "),
    why: "which of them is alive cannot be told",
    todo: "restore with --to and look: the one with the newest files is; or exclude the other from backups",
  });
}
