import { makeProfile } from "./make.ts";
import { foldersIn, plural } from "./search.ts";
import type { FolderView } from "./types.ts";

/** The first bytes of badger's MANIFEST (badger/manifest.go), before its version. */
const MAGIC = "Bdgr";

export const badger = makeProfile({
  name: "badger",
  summary: "Badger: all of it is reflinked or copied, since Badger truncates files in place",
  about:
    "Badger databases in any folders below the roots, each told by its MANIFEST. Badger cuts files short in place before it " +
    "removes them, and writes its value log and memtables through mapped memory: of a hard link nothing would be left. So all " +
    "is reflinked, or copied where the file system cannot, while the node is down. Proven on Badger v4.",
  rules: [],
  folders: [],
  stopping: [
    "Badger holds a lock (flock) on its folder, and a LOCK file with its process's number: while a process has it, nothing is frozen.",
    "Without reflinks the node is down while everything that changed since the last backup is copied: best lay it on xfs or btrfs.",
  ],
  height: null,
  identity: [],
  place: [],
  after: [
    "Badger replays its memtables when the node starts. `badger info --dir <folder>` reads the tables without it.",
  ],
  discover(look, roots) {
    let databases = 0;
    for (const { folder, files } of foldersIn(look, roots)) {
      if (mayBe({ files }) && look.read(`${folder}/MANIFEST`, MAGIC.length) === MAGIC) databases += 1;
    }
    return databases === 0 ? null : { found: `Badger, ${plural(databases, "database")}`, version: null, elsewhere: [] };
  },
});

function mayBe({ files }: Pick<FolderView, "files">): boolean {
  return files.includes("MANIFEST");
}
