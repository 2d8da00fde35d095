import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { DATABASES } from "./databases.ts";
import type { Database } from "./types.ts";

/** What a file of ovsdb is, once every record was compared with its digest. */
export interface DatabaseFile {
  readonly database: Database;
  readonly clustered: boolean;
  readonly records: number;
  /** Of a raft member: its server id, and the address it listens on. */
  readonly sid: string | null;
  readonly address: string | null;
}

/** "OVSDB JSON <bytes> <SHA-1>", then as many bytes of JSON (ovsdb/log.c). */
const HEADER = /^OVSDB (JSON|CLUSTER) (\d{1,10}) ([0-9a-f]{40})\n/;
const HEADER_MAX = 80;
/** A snapshot of a whole database is one record. */
const RECORD_MAX = 1 << 30;

/**
 * Reads a database of OVN through, record by record, and opens nothing.
 * @throws ColdkeepError `integrity` naming the record that is damaged; `refused` where it is no database of OVN.
 */
export function readDatabaseFile(path: string): DatabaseFile {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    throw fromSystemError(error, { what: "cannot read a database", on: path, otherwise: "not-found" });
  }
  try {
    const { size } = fstatSync(fd);
    let first: { readonly kind: string; readonly text: string } | null = null;
    let records = 0;
    for (let at = 0; at < size; records += 1) {
      const head = Buffer.alloc(HEADER_MAX);
      const header = HEADER.exec(head.toString("latin1", 0, readSync(fd, head, 0, HEADER_MAX, at)));
      const [whole = "", kind = "", length = "0", digest = ""] = header ?? [];
      if (header === null && records === 0) throw noDatabase(path);
      const bytes = Number(length);
      at += whole.length;
      if (header === null || bytes > RECORD_MAX || at + bytes > size) throw damaged(path, records, "it is cut short");
      const body = Buffer.alloc(bytes);
      readSync(fd, body, 0, bytes, at);
      if (createHash("sha1").update(body).digest("hex") !== digest)
        throw damaged(path, records, "its digest is another");
      first ??= { kind, text: body.toString("utf8") };
      at += bytes;
    }
    if (first === null) throw noDatabase(path);
    return { ...meaningOf(first, path), records };
  } finally {
    closeSync(fd);
  }
}

function meaningOf({ kind, text }: { kind: string; text: string }, path: string): Omit<DatabaseFile, "records"> {
  let value: { readonly name?: unknown; readonly server_id?: unknown; readonly local_address?: unknown };
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    throw noDatabase(path);
  }
  const database = DATABASES.find(({ schema }) => schema === value.name);
  if (database === undefined) throw noDatabase(path);
  const word = (field: unknown) => (typeof field === "string" ? field : null);
  return { database, clustered: kind === "CLUSTER", sid: word(value.server_id), address: word(value.local_address) };
}

function noDatabase(path: string): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "this is no database of OVN",
    on: path,
    why: "files of OVN_Northbound and OVN_Southbound are known, as `ovsdb-client backup`, `ovsdb-tool cluster-to-standalone` and `kubectl ko nb backup` write them",
  });
}

function damaged(path: string, record: number, why: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "a database of OVN is damaged",
    on: path,
    why: `record ${record}: ${why}`,
    todo: "take another copy of it",
  });
}
