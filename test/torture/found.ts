/** A defect that a campaign found, and the test that keeps it from coming back. */
export interface Found {
  readonly campaign: string;
  readonly seed: string;
  readonly what: string;
  readonly test: string;
}

/** All of them; docs/RELIABILITY.md lists these. Newest last. */
export const FOUND: readonly Found[] = [
  {
    campaign: "crash",
    seed: "1, round 13",
    what: "A backup was killed between its card and its index; a key rotation then passed its snapshot over: only the old key opened it",
    test: "test/torture/found.test.ts",
  },
  {
    campaign: "crash",
    seed: "1, round 13, by reading on",
    what: "A backup was killed before its card, keys were rotated, and the next backup built on its packs: the new key could not open them",
    test: "test/torture/found.test.ts",
  },
  {
    campaign: "crash",
    seed: "b, round 27",
    what: "An import was killed between card and index; run again it imported the same backup twice",
    test: "test/torture/found.test.ts",
  },
  {
    campaign: "crash",
    seed: "b, round 9",
    what: "A killed import or export left its working folder, as large as a node, for ever",
    test: "test/torture/found.test.ts",
  },
  {
    campaign: "crash",
    seed: "b, round 16",
    what: "Killed runs left half-written files in the state folder, and of locks in the vault, for ever",
    test: "test/posix/maker.test.ts",
  },
  {
    campaign: "hostile",
    seed: "1",
    what: "a meta file of RocksDB's BackupEngine could name a folder, `shared/.`, as a file of the database",
    test: "agent/exchange/meta-file.test.ts",
  },
  {
    campaign: "hostile",
    seed: "by reading",
    what: "a meta file with a time beyond all dates ended an import in an error that named nothing",
    test: "agent/exchange/meta-file.test.ts",
  },
  {
    campaign: "hostile",
    seed: "1",
    what: "of a configuration whose key is a mapping the YAML reader printed that mapping, which may hold the key",
    test: "agent/config/parse.test.ts",
  },
  {
    campaign: "hostile",
    seed: "by reading",
    what: "an archive of ICON's guide that expands without end filled the disk, which is the node's as well",
    test: "agent/exchange/icon-archive.test.ts",
  },
  {
    campaign: "corrupt",
    seed: "1",
    what: "an earlier mark, fate or word on a node that lay under a later one's name was believed: a pin, or that a node is retired, was gone without a word",
    test: "test/keeper/lost-words.test.ts",
  },
  {
    campaign: "corrupt",
    seed: "1",
    what: "where an operator's first word was gone those after it were not seen, and the next one was put before them",
    test: "test/keeper/lost-words.test.ts",
  },
  {
    campaign: "corrupt",
    seed: "1",
    what: "a list of revoked tickets that was gone was made anew by the next ticket, and one bit of an id in it went unnoticed: revoked tickets were good again",
    test: "test/keeper/lost-words.test.ts",
  },
  {
    campaign: "corrupt",
    seed: "1",
    what: "a ticket whose record was damaged, or another's, was listed by nobody, and nobody was told",
    test: "test/keeper/lost-words.test.ts",
  },
  {
    campaign: "corrupt",
    seed: "1",
    what: "of a damaged share the message named an object that does not exist",
    test: "test/vault/sealed/share.test.ts",
  },
  {
    campaign: "meet",
    seed: "by reading on",
    what: "a copy said that all was there while the second vault's collector, which had looked before, was still to delete packs that it uses",
    test: "test/keeper/copy-meets-gc.test.ts",
  },
  {
    campaign: "power",
    seed: "1, round 1",
    what: "after a power cut a frozen tree could be back while the journal that knew of it was gone: it lay there for ever",
    test: "test/torture/found.test.ts",
  },
  {
    campaign: "power",
    seed: "2, round 9",
    what: "the working folder of an import could be back after a power cut, and an import that found all imported already left it there",
    test: "test/torture/found.test.ts",
  },
  {
    campaign: "power",
    seed: "by reading",
    what: "a restore in place could not be taken back after a boot that gave the disk another device number, as with btrfs and LVM: the node stayed down",
    test: "test/agent/restore/swap.test.ts",
  },
  {
    campaign: "meet",
    seed: "7, story 61",
    what: "a copy that slept for a grace between its first object and its card said that all was there, while the target had swept away what it took for a dead one's",
    test: "test/keeper/protocol.test.ts",
  },
  {
    campaign: "corrupt",
    seed: "by reading on",
    what: "Snapshots that had left index.json for the file of their month were gone from lists without a word where that file was lost",
    test: "test/keeper/index-snapshots.test.ts",
  },
  {
    campaign: "power",
    seed: "by reading",
    what: "An fsync of a folder vault that failed as a share's may (ESTALE, ETIMEDOUT) was tried again on what may have been lost, and believed",
    test: "test/vault/store/fsync-fails.test.ts",
  },
  {
    campaign: "corrupt",
    seed: "77, round 1",
    what: "A packaged coldkeep that lay damaged in the vault was handed out by the next ticket; the restore would have been the first to notice",
    test: "test/torture/in-process.test.ts",
  },
  {
    campaign: "corrupt",
    seed: "78, round 10",
    what: "Of a pack list that says that it is of a newer format nobody was told the name",
    test: "test/keeper/verify.test.ts",
  },
  {
    campaign: "corrupt",
    seed: "1, round 1",
    what: "A bit flipped in a number or a word of an index went unnoticed until the next rebuild",
    test: "test/vault/card/records.test.ts",
  },
  {
    campaign: "meet",
    seed: "by reading on",
    what: "A copy that went on where one had died a grace before said that all was there, while the second vault's collector was deleting what it took for nobody's",
    test: "test/keeper/copy-meets-gc.test.ts",
  },
];
