/** How an application's own words stand among a snapshot's tags: `meta:<key>=<value>`. */
const FORM = /^meta:([A-Za-z0-9._-]{1,64})=(.*)$/su;
/** The most that a tag may be, in UTF-16 units (docs/FORMAT.md). */
const MAX_TAG = 255;

/** The tag of `key=value`, as it is typed. @throws SyntaxError as the parser wants it. */
export function metaTag(text: string): string {
  const tag = `meta:${text}`;
  if (!FORM.test(tag)) throw new SyntaxError("key=value is expected, the key of letters, digits and . _ -, up to 64");
  if (tag.length > MAX_TAG)
    throw new SyntaxError(`key and value are ${text.length} long; up to ${MAX_TAG - 6} are kept`);
  if (/\p{Cc}/u.test(text))
    throw new SyntaxError("control characters are not kept: a snapshot's words are shown on terminals");
  return tag;
}

/** What an application said of a snapshot, by key; null where it said nothing. The last one of a key holds. */
export function metaOf(tags: readonly string[]): Readonly<Record<string, string>> | null {
  const pairs = tags.flatMap((tag) => {
    const [, key, value] = FORM.exec(tag) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value] as const];
  });
  return pairs.length === 0 ? null : Object.fromEntries(pairs);
}

/** The key under which BackupEngine's own metadata of a backup is kept. */
const ROCKSDB_META = "rocksdb";

/** Bytes that an application gave BackupEngine, as a tag; those that are no plain text in hexadecimal. Null where it is too long. */
export function rocksdbMetaTag(metadata: Buffer): string | null {
  const text = metadata.toString("utf8");
  const isPlain = Buffer.from(text).equals(metadata) && !/\p{Cc}/u.test(text) && !text.startsWith("0x");
  const tag = `meta:${ROCKSDB_META}=${isPlain ? text : `0x${metadata.toString("hex")}`}`;
  return tag.length > MAX_TAG ? null : tag;
}

/** The same bytes again, from a snapshot's tags. */
export function rocksdbMetaOf(tags: readonly string[]): Buffer | null {
  const value = metaOf(tags)?.[ROCKSDB_META];
  if (value === undefined) return null;
  return /^0x(?:[0-9a-f]{2})*$/.test(value) ? Buffer.from(value.slice(2), "hex") : Buffer.from(value);
}
