import type { ArchiveSpeed } from "../../vault/store/index.ts";
import type { BlockRange } from "./block-files.ts";
import { defineCommand } from "./define.ts";
import { OPTIONAL_ID_PARAMETER } from "./id-parameter.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";
import { blockRange, heightOfChannel, ipv4, moment, wholeNumber } from "./parse.ts";
import { REMOTE_FLAGS, type RemoteFlags } from "./remote-flags.ts";

export interface RestoreFlags extends IdentityFlags, RemoteFlags {
  readonly group?: string;
  readonly at?: number;
  readonly height?: { readonly channel?: string; readonly height: number };
  readonly to?: string;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly blocks?: BlockRange;
  readonly rebuildDbs?: boolean;
  readonly rebuildTo?: number;
  readonly delta?: boolean;
  readonly deltaFrom?: string;
  readonly fresh?: boolean;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly keepLogs?: boolean;
  readonly keepOld?: boolean;
  readonly keepSpecialBits?: boolean;
  readonly trustCardKey?: string;
  readonly ownIp?: string;
  readonly raft?: "standalone" | "member";
  readonly minHeight?: number;
  readonly minSeq?: number;
  /** A duration as it was written. */
  readonly maxAge?: string;
  readonly fromArchive?: ArchiveSpeed;
  readonly yes?: boolean;
  readonly noStart?: boolean;
  readonly noReadBack?: boolean;
  readonly waitHealthy?: boolean;
  /** A duration as it was written. */
  readonly waitLimit?: string;
}

const off = { kind: "boolean", optional: true, withNegated: false } as const;
const optional = { kind: "parsed", optional: true } as const;
const globs = { ...optional, parse: String, variadic: true, placeholder: "glob" } as const;

export const command = defineCommand<RestoreFlags, [id: string | undefined]>({
  brief: "Bring a snapshot back, in place or into a fresh folder",
  usage: "[<id>] [--at <time>] [--height <n>] [--to <path>] [--dry-run] [--node <name> | --group <name>]",
  about:
    "Fetches and opens everything into a folder beside the target, checks every byte, and only then swaps it in: all roots\n" +
    "or none. Refused while the node runs, and without --force where a validator would forget what it has signed.\n" +
    "Without --to the folders named in the configuration are replaced, and then the node is started and asked for its height,\n" +
    "but not with --no-start, or where only --force allowed it. What was cut off goes on where it was: run the same\n" +
    "command again. Where this user may write to the vault, a pin keeps the snapshot from being deleted meanwhile, for a week.\n" +
    "With --group, <id> is that of a set, and all its nodes come back: refused where they do not fit together.",
  examples: [
    ["restore latest --to /srv/restored", "into a fresh folder; the running node is not touched"],
    [
      "restore --height 1200 --keep-old",
      "in place, the newest snapshot at or below a height; old data is kept beside it",
    ],
    [
      "restore --from https://restore.example --node icon --ticket-file icon.ticket --to /srv/restored --identity /root/icon.key",
      "on a host without configuration or AWS credentials, through a presenter",
    ],
    ["restore latest --blocks 100-200 --to /srv/blocks", "just the files that hold these blocks"],
    ["restore --group fabric --to /srv/restored", "the latest set of a group, a folder for each node"],
    [
      "restore latest --yes --wait-healthy",
      "in place, and at the end the node is as high as it was: else the exit code says so",
    ],
    ["restore latest --no-start", "in place, for a node that you start by hand"],
    ["restore latest --delta", "in place, and only what differs from the data there is fetched"],
    ['restore --at "2026-01-15 00:00" --dry-run', "what would be done for the newest snapshot received by then (UTC)"],
  ],
  flags: {
    group: {
      ...optional,
      parse: String,
      placeholder: "name",
      brief: "All nodes of this group, as they were captured as one set",
    },
    at: {
      ...optional,
      parse: moment,
      placeholder: "time",
      brief: 'The newest received by then: "2026-01-15 00:00" is UTC; or ISO 8601 with a zone',
    },
    height: {
      ...optional,
      parse: heightOfChannel,
      placeholder: "n",
      brief: "The newest at or below this height; channel=n where the node has several",
    },
    to: {
      ...optional,
      parse: String,
      placeholder: "path",
      brief: "A folder that is absent or empty; each root becomes a folder in it",
    },
    include: { ...globs, brief: "Only these files, as <root>/<path>; with --to; may be given several times" },
    exclude: { ...globs, brief: "Not these files, as <root>/<path>; with --to; may be given several times" },
    blocks: {
      ...optional,
      parse: blockRange,
      placeholder: "A-B",
      brief:
        "Only the files that hold these heights, such as ChainMaker's .fdb files; chain=A-B for one chain; with --to",
    },
    rebuildDbs: {
      ...off,
      brief: "In place, and then run `rebuild` of the configuration, which makes databases anew from the blocks",
    },
    rebuildTo: {
      ...optional,
      parse: wholeNumber,
      placeholder: "n",
      brief: "The same up to this height only: the chain is rolled back to it",
    },
    delta: { ...off, brief: "Take what the node's folders hold already from there, and fetch the rest only" },
    deltaFrom: {
      ...optional,
      parse: String,
      placeholder: "path",
      brief: "The same from another folder, which an earlier --to has filled",
    },
    fresh: { ...off, brief: "Remove what an unfinished restore has staged, rather than go on from it" },
    dryRun: { ...off, brief: "Say what would be done, and stop" },
    force: { ...off, brief: "In place though the node is a validator, which may sign twice with old data" },
    fromArchive: {
      kind: "enum",
      values: ["bulk", "standard", "expedited"],
      optional: true,
      brief: "What lies in an archive class (Glacier) is brought back first, so soon, and waited for",
    },
    ...IDENTITY_FLAG,
    ...REMOTE_FLAGS,
    keepLogs: { ...off, brief: "Profile rocksdb: the node's own logs go on top of the snapshot, where they connect" },
    keepOld: { ...off, brief: "Keep what was there as <folder>.coldkeep-old-<id>" },
    noReadBack: {
      ...off,
      brief:
        "Do not read from the disk what was just written there, for the sake of speed; it is proven before it is written",
    },
    keepSpecialBits: { ...off, brief: "Restore setuid, setgid and security attributes, too" },
    trustCardKey: {
      ...optional,
      parse: fingerprint,
      placeholder: "fingerprint",
      brief: "Accept snapshots signed by the key of this fingerprint",
    },
    ownIp: {
      ...optional,
      parse: ipv4,
      placeholder: "address",
      brief: "This host's own IPv4 address, for profiles that name files by it [default = own_ip, or the only one]",
    },
    raft: {
      kind: "enum",
      values: ["standalone", "member"],
      optional: true,
      brief: "Profile ovn: a raft member's file becomes a database of its own, or goes back as this host's very member",
    },
    minHeight: { ...optional, parse: wholeNumber, placeholder: "n", brief: "Refuse a snapshot below this height" },
    minSeq: { ...optional, parse: wholeNumber, placeholder: "n", brief: "Refuse a snapshot with a lower number" },
    yes: { ...off, brief: "Replace data without asking; where nobody can be asked, nobody is" },
    noStart: { ...off, brief: "In place, and leave the node stopped" },
    waitHealthy: {
      ...off,
      brief: "In place, and wait until the node is well and as high as its snapshot; also after --force",
    },
    waitLimit: {
      ...optional,
      parse: String,
      placeholder: "time",
      brief: "How long to wait for that: 90s, 5m, 2h [default = 10m]",
    },
    maxAge: {
      ...optional,
      parse: String,
      placeholder: "time",
      brief: "Refuse a snapshot older than this: 90s, 5m, 12h, 7d",
    },
  },
  positional: OPTIONAL_ID_PARAMETER,
  load: async () => async (call, id) =>
    call.flags.group === undefined
      ? (await import("./restore.ts")).run(call, id)
      : (await import("./restore-group.ts")).run(call, call.flags.group, id),
});

function fingerprint(text: string): string {
  if (/^[A-Za-z0-9_-]{43}$/.test(text)) return text;
  throw new SyntaxError("the 43 letters of a fingerprint are expected, as `coldkeep init` and restore print it");
}
