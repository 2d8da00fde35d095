import { ColdkeepError } from "../../vault/names/index.ts";

/** One file of a backup, as a meta file of RocksDB's BackupEngine names it. */
export interface BackedUpFile {
  /** Below the backup directory: `shared_checksum/000012_s…_1029.sst`, `private/1/CURRENT`. */
  readonly path: string;
  /** Its name in the database: `000012.sst`, `CURRENT`. */
  readonly name: string;
  /** CRC-32C of its bytes; null where the meta file has none. */
  readonly crc: number | null;
  /** Null where the meta file does not tell. */
  readonly size: number | null;
}

export interface MetaFile {
  /** Seconds since the epoch. */
  readonly timestamp: number;
  readonly sequence: string;
  /** The application's own words; bytes. */
  readonly metadata: Buffer | null;
  readonly files: readonly BackedUpFile[];
}

/** The last one that is a date (ECMA-262, time values). */
const LAST_SECOND = 8_640_000_000_000;
/** Names that a backup may hold; whatever else a path says leads nowhere. */
const SAFE_PATH = /^(?:private\/\d{1,10}|shared|shared_checksum)\/[A-Za-z0-9_.-]{1,200}$/;

/**
 * Reads a meta file (utilities/backup/backup_engine.cc, BackupMeta): optional `schema_version`, then timestamp, sequence
 * number, optional `metadata <hex>`, number of files, and a line a file: `<path> crc32 <decimal>`, from schema 2 on also
 * `size <decimal>`.
 * @throws ColdkeepError `integrity` naming the line.
 */
export function parseMetaFile(text: string, on: string): MetaFile {
  const lines = text.split("\n");
  let at = 0;
  const next = () => lines[at++] ?? "";
  const broken = (why: string) =>
    new ColdkeepError("integrity", {
      what: "a meta file of a RocksDB backup cannot be read",
      on,
      why: `line ${at}: ${why}`,
      todo: "this backup is damaged: leave it out with --only, or ask `ldb backup` for a new one",
    });
  let line = next();
  if (line.startsWith("schema_version ")) {
    if (!/^schema_version [12](?:\.\d+)?$/.test(line)) throw broken(`unknown ${JSON.stringify(line.slice(0, 60))}`);
    line = next();
  }
  const timestamp = wholeNumber(line);
  if (timestamp === null || timestamp > LAST_SECOND) throw broken("a timestamp in seconds is expected");
  const sequence = next();
  if (!/^\d{1,20}$/.test(sequence)) throw broken("a sequence number is expected");
  line = next();
  let metadata: Buffer | null = null;
  if (line.startsWith("metadata ")) {
    const hex = line.slice("metadata ".length);
    if (!/^(?:[0-9A-Fa-f]{2})*$/.test(hex)) throw broken("metadata is not hexadecimal");
    metadata = Buffer.from(hex, "hex");
    line = next();
  }
  const count = wholeNumber(line);
  if (count === null || count > lines.length) throw broken("the number of files is expected");
  const files = Array.from({ length: count }, () => {
    const file = parseFile(next());
    if (typeof file === "string") throw broken(file);
    return file;
  });
  const names = new Set(files.map(({ name }) => name));
  if (names.size !== files.length) throw broken("two files have one name in the database");
  if (!names.has("CURRENT")) throw broken("there is no CURRENT among the files");
  return { timestamp, sequence, metadata, files };
}

function parseFile(line: string): BackedUpFile | string {
  const [path = "", ...words] = line.split(" ");
  if (!SAFE_PATH.test(path) || /\/\.$|\.\./.test(path))
    return `no path of a backup: ${JSON.stringify(path.slice(0, 80))}`;
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < words.length; i += 2) fields.set(words[i] ?? "", words[i + 1] ?? "");
  const crc = fields.has("crc32") ? wholeNumber(fields.get("crc32") ?? "") : null;
  const size = fields.has("size") ? wholeNumber(fields.get("size") ?? "") : null;
  if ((fields.has("crc32") && (crc === null || crc > 0xffff_ffff)) || (fields.has("size") && size === null)) {
    return `no number: ${JSON.stringify(line.slice(0, 120))}`;
  }
  return { path, name: nameOf(path), crc, size };
}

/** `shared_checksum/000012_<what tells it apart>.sst` is 000012.sst in the database. */
function nameOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return path.startsWith("shared_checksum/") ? name.replace(/^(\d+)_[^.]*(\.[a-z]+)$/, "$1$2") : name;
}

function wholeNumber(text: string): number | null {
  return /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : null;
}

/** The text of a meta file, of the form that every BackupEngine reads. */
export function renderMetaFile({ timestamp, sequence, metadata, files }: MetaFile): string {
  const head = [
    timestamp,
    sequence,
    ...(metadata === null ? [] : [`metadata ${metadata.toString("hex").toUpperCase()}`]),
  ];
  return `${[...head, files.length, ...files.map(({ path, crc }) => `${path} crc32 ${crc}`)].join("\n")}\n`;
}
