import { makeProfile } from "./make.ts";
import { foldersIn } from "./search.ts";

/** ovsdb(5), ovsdb-log: the first bytes of a database, of one server or of a raft member. */
const MAGIC = /^OVSDB (JSON|CLUSTER) /;
const SCHEMA = /"name":"OVN_(Northbound|Southbound)"/;
/** The schema comes first, and both are shorter than this. */
const HEAD = 64 << 10;

const byName = (pattern: RegExp) => () => (name: string) => pattern.test(name);

export const ovn = makeProfile({
  name: "ovn",
  summary: "OVN's northbound and southbound databases (ovsdb), of one server or a raft member: linked, lengths pinned",
  about:
    "The databases of OVN, as Kube-OVN has them in /etc/origin/ovn: ovnnb_db.db and ovnsb_db.db, standalone or members of a raft " +
    "cluster. Cold, ovsdb-server is stopped for a moment and its files are taken as they are. With `ovn: capture: online` the " +
    "servers stay up and tell their databases by `ovsdb-client backup`, the leader first: such a snapshot is standalone, and " +
    "northbound and southbound are each a moment of their own, as ovn-northd makes the one from the other. `coldkeep ovn status`, " +
    "`kick` and `recover` look after the cluster itself (docs/OVN.md). Proven on ovsdb-server 3.1 (OVN 23.03), standalone and " +
    "as a raft of three; kubectl on a stand-in for the API.",
  rules: [
    {
      files: "*_local_config.db",
      mutability: "omitted",
      why: "made anew at each start",
      of: byName(/_local_config\.db$/),
    },
    {
      files: "*.hdr",
      mutability: "omitted",
      why: "a cache of the raft header, that must not outlive it",
      of: byName(/\.hdr$/),
    },
    { files: "*.pid", mutability: "omitted", why: "of a process that is gone by then", of: byName(/\.pid$/) },
    {
      files: "*.db",
      mutability: "append-only",
      why: "ovsdb appends to it; compaction writes another file and renames it, so the frozen one stays what it was",
      of: byName(/\.db$/),
    },
  ],
  folders: [],
  stopping: [
    "The raft index of both databases is written down as heights nb and sb, where the node has a section `ovn` and no `height`.",
    "ovsdb-server ends in 10 ms to 2 s; its lock on .<name>.~lock~ (fcntl) and the open database are seen while it lives.",
  ],
  height: null,
  identity: [
    {
      what: "the server id in a clustered database",
      rule:
        "a member that comes back with an older log can make the others lose what they agreed on: a restore in place asks for " +
        "`--raft standalone`, which converts the file to a database that begins a new cluster, or `--raft member`, which puts it " +
        "back as the very member it was, refused where its address is another host's. With --to it stays what it is",
    },
  ],
  place: [
    "Owner and mode are what they were (65534 and 600 under Kube-OVN).",
    "*.hdr and *_local_config.db are no part of a snapshot: the servers make them anew.",
  ],
  after: [
    "`coldkeep ovn status` tells who leads and which members are bad.",
    "`ovsdb-tool db-name <file>` reads it; `ovsdb-client dump unix:<socket>` shows every row once the server runs.",
  ],
  discover(look, roots) {
    const all: string[] = [];
    for (const { folder, files } of foldersIn(look, roots)) {
      for (const name of files.filter((each) => each.endsWith(".db"))) {
        const head = look.read(`${folder}/${name}`, HEAD) ?? "";
        const kind = MAGIC.exec(head)?.[1];
        const schema = SCHEMA.exec(head)?.[1];
        if (kind !== undefined && schema !== undefined)
          all.push(`${schema} (${kind === "CLUSTER" ? "raft member" : "standalone"})`);
      }
    }
    return all.length === 0 ? null : { found: `OVN: ${all.sort().join(", ")}`, version: null, elsewhere: [] };
  },
});
