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
    "cluster. Backed up cold, by stopping ovsdb-server for a moment. Proven on ovsdb-server 3.1 (OVN 23.03), standalone. " +
    "What is not in this version: backups by ovsdb-client while it runs, and the way back for a cluster that lost its majority.",
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
    "ovsdb-server ends in 10 ms to 2 s; its lock on .<name>.~lock~ (fcntl) and the open database are seen while it lives.",
  ],
  height: null,
  identity: [
    {
      what: "the server id in a clustered database",
      rule:
        "restored as it was: put it back on the very member it came from, while that is down and was not kicked; for a cluster that " +
        "lost its majority convert it first (`ovsdb-tool cluster-to-standalone`) and let the others join anew",
    },
  ],
  place: ["Owner and mode are what they were (65534 and 600 under Kube-OVN)."],
  after: [
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
