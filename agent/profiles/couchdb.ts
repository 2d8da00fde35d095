import { makeProfile } from "./make.ts";
import { foldersIn, plural } from "./search.ts";

export const couchdb = makeProfile({
  name: "couchdb",
  summary: "CouchDB, as the state database of a Fabric peer: databases and views are linked, lengths pinned",
  about:
    "CouchDB 2 and 3: /opt/couchdb/data is the root. As the state of a Fabric peer it belongs into one group with the peer, and must " +
    "never be newer than the peer's ledger: restored older it catches up from the blocks, restored newer the peer does not start. " +
    "It can be left out altogether: a peer with an empty CouchDB makes its state anew from the blocks. CouchDB itself " +
    "could not be had where this was tested, as Debian, npm and PyPI have no package of the server: files were made by the " +
    "names of its layout, and a writer appends and compacts as it does.",
  rules: [
    {
      files: "*.compact, *.compact.data, *.compact.meta",
      mutability: "omitted",
      why: "of a compaction that was under way: begun anew",
      of: () => (name) => /\.compact(?:\.data|\.meta)?$/.test(name),
    },
    {
      files: "*.couch, *.view",
      mutability: "append-only",
      why: "CouchDB only appends to them; a compaction writes another file and renames it",
      of: () => (name) => /\.(?:couch|view)$/.test(name),
    },
  ],
  folders: [
    {
      folder: ".delete/",
      why: "what CouchDB has thrown away",
      matches: (path) => /(?:^|\/)\.delete$/.test(path),
    },
  ],
  stopping: ["Stop the peer before its CouchDB, and start it after: a peer that loses its state database ends."],
  height: null,
  group: [
    {
      notNewerThan: "fabric-peer",
      together: true,
      why: "a peer whose state is ahead of its ledger does not start",
    },
  ],
  identity: [{ what: "uuid and passwords in /opt/couchdb/etc", rule: "outside of the root, and so not captured" }],
  place: [],
  after: [
    "GET http://127.0.0.1:5984/_up answers 200; the peer says in its log that it recovers the state, and from which block.",
  ],
  discover(look, roots) {
    let databases = 0;
    let isCouch = false;
    for (const { files, path } of foldersIn(look, roots)) {
      isCouch ||= files.includes("_dbs.couch");
      if (/(?:^|\/)shards\//.test(path)) databases += files.filter((name) => name.endsWith(".couch")).length;
    }
    return isCouch ? { found: `CouchDB, ${plural(databases, "shard")}`, version: null, elsewhere: [] } : null;
  },
});
