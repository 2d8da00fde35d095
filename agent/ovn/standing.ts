import { messageOf } from "../../vault/names/index.ts";
import { failed, quoted } from "./shell.ts";
import type { Database, Member } from "./types.ts";

/** What a member's server says of one database. */
export interface Serving {
  /** "leader", "follower", "candidate"; of a standalone database "standalone". */
  readonly role: string;
  /** "cluster member", "joining cluster", "disconnected from the cluster (election timeout)", … */
  readonly status: string;
  readonly term: number | null;
  /** The leader's short id, "self", or "unknown". */
  readonly leader: string | null;
  /** The short ids the members have in its view, with their addresses. */
  readonly servers: readonly {
    readonly id: string;
    readonly address: string;
    readonly self: boolean;
    readonly silentMs: number | null;
  }[];
  /** Whole ids; null of a standalone database. */
  readonly sid: string | null;
  readonly cid: string | null;
  /** Of the raft log; null of a standalone database. */
  readonly index: number | null;
  readonly connected: boolean;
}

/** What lies in a member's folder. */
export interface Stored {
  readonly clustered: boolean;
  readonly size: number;
  readonly sid: string | null;
  readonly cid: string | null;
  readonly address: string | null;
  readonly term: number;
  /** The newest entry of its log. */
  readonly index: number;
  /** What ovsdb-tool finds wrong with it; null where it is whole. */
  readonly damage: string | null;
}

export interface Standing {
  readonly member: string;
  /** Null where no server answers for it. */
  readonly serving: Serving | null;
  /** Null where there is no file. */
  readonly stored: Stored | null;
  /** The last record error of this database in the log of the member's servers. */
  readonly recordError: string | null;
  /** Why the host could not be asked; then all else is null. */
  readonly unreachable: string | null;
}

/**
 * Looks at one database of one member: its server, its file, its log, all by one call, as one by kubectl takes a while.
 * Changes nothing, and throws for no trouble there.
 */
export async function lookAt(member: Member, database: Database, signal: AbortSignal): Promise<Standing> {
  const none = { member: member.name, serving: null, stored: null, recordError: null };
  const texts = [serverText(member, database), fileText(member, database), logText(member)];
  const result = await member.sh(`${texts.join("\n")}\ntrue`, { signal });
  if (result.status !== 0) {
    return { ...none, unreachable: messageOf(failed(member, result, "it cannot be looked at")) };
  }
  const parts = partsOf(result.stdout);
  return {
    ...none,
    serving: servingOf(parts),
    stored: storedOf(parts.get("file") ?? ""),
    recordError: recordErrorIn(parts.get("log") ?? "", database),
    unreachable: null,
  };
}

/** @returns null where no server answers. */
export async function askServer(member: Member, database: Database, signal: AbortSignal): Promise<Serving | null> {
  const { stdout } = await member.sh(serverText(member, database), { signal });
  return servingOf(partsOf(stdout));
}

/** What stands below each line `@name`. */
function partsOf(text: string): ReadonlyMap<string, string> {
  const [, ...pieces] = text.split(/^@(row|status|file|log)$/m);
  const names = pieces.filter((_, at) => at % 2 === 0);
  return new Map(names.map((name, at) => [name, pieces[2 * at + 1] ?? ""]));
}

function serverText({ run }: Member, { schema, stem }: Database): string {
  const socket = quoted(`unix:${run}/${stem}.sock`);
  return `echo @row; ovsdb-client --timeout=5 query ${socket} ${quoted(questionOf(schema))} 2>/dev/null
echo @status; ovs-appctl -T 5 -t ${quoted(`${run}/${stem}.ctl`)} cluster/status ${schema} 2>/dev/null`;
}

function servingOf(parts: ReadonlyMap<string, string>): Serving | null {
  const known = rowOf(parts.get("row") ?? "");
  if (known === null) return null;
  if (known.model !== "clustered") {
    const standing = { status: "standalone", role: "standalone", term: null, leader: null, servers: [] };
    return { ...standing, sid: null, cid: null, index: null, connected: known.connected };
  }
  const told = (parts.get("status") ?? "").trim();
  if (told === "") return null;
  return { ...statusOf(told), sid: known.sid, cid: known.cid, index: known.index, connected: known.connected };
}

function questionOf(schema: string): string {
  const columns = ["model", "connected", "index", "sid", "cid"];
  return JSON.stringify(["_Server", { op: "select", table: "Database", where: [["name", "==", schema]], columns }]);
}

interface ServerRow {
  readonly model: string;
  readonly connected: boolean;
  readonly index: number | null;
  readonly sid: string | null;
  readonly cid: string | null;
}

/** An absent column is the empty set (RFC 7047, 5.1); an id is `["uuid", …]`. */
function rowOf(text: string): ServerRow | null {
  try {
    const [answer] = JSON.parse(text) as [{ readonly rows?: readonly Record<string, unknown>[] }?];
    const row = answer?.rows?.[0];
    if (row === undefined) return null;
    const id = (value: unknown) => (Array.isArray(value) && value[0] === "uuid" ? String(value[1]) : null);
    return {
      model: String(row.model),
      connected: row.connected === true,
      index: typeof row.index === "number" ? row.index : null,
      sid: id(row.sid),
      cid: id(row.cid),
    };
  } catch {
    return null;
  }
}

/** Reads `cluster/status` (ovsdb/raft.c, raft_unixctl_status). */
function statusOf(text: string): Pick<Serving, "role" | "status" | "term" | "leader" | "servers"> {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(text)?.[1]?.trim() ?? null;
  const term = Number(field("Term") ?? Number.NaN);
  const servers = [...text.matchAll(/^\s+([0-9a-f]{4}) \([0-9a-f]{4} at (\S+)\)(.*)$/gm)].map((found) => {
    const [, id = "", address = "", rest = ""] = found;
    const silent = /last msg (\d+) ms ago/.exec(rest)?.[1];
    return { id, address, self: rest.includes("(self)"), silentMs: silent === undefined ? null : Number(silent) };
  });
  return {
    role: field("Role") ?? "unknown",
    status: field("Status") ?? "unknown",
    term: Number.isSafeInteger(term) ? term : null,
    leader: field("Leader"),
    servers,
  };
}

function fileText({ data }: Member, { file }: Database): string {
  return `echo @file
f=${quoted(`${data}/${file}`)}
if [ -e "$f" ]; then
  echo "size=$(stat -c %s "$f")"
  if ovsdb-tool db-is-clustered "$f" 2>/dev/null; then
    echo clustered=yes
    for what in sid cid local-address; do echo "$what=$(ovsdb-tool db-$what "$f" 2>/dev/null)"; done
    found=$(ovsdb-tool check-cluster "$f" 2>&1 >/dev/null) || echo "damage=$(printf %s "$found" | tail -n 1)"
    ovsdb-tool show-log "$f" 2>/dev/null | awk '/^ +(prev_)?term: /{t=$2} /^ +(prev_)?index: /{i=$2} END{print "term=" t; print "index=" i}'
  else
    found=$(ovsdb-tool show-log "$f" 2>&1 >/dev/null) || echo "damage=$(printf %s "$found" | tail -n 1)"
  fi
fi`;
}

function storedOf(text: string): Stored | null {
  const lines = text
    .split("\n")
    .map((line) => [line.split("=", 1)[0] ?? "", line.slice(line.indexOf("=") + 1)] as const);
  const fields = new Map(lines);
  const size = fields.get("size");
  if (size === undefined) return null;
  const word = (name: string) => (fields.get(name) ?? "") || null;
  return {
    clustered: fields.has("clustered"),
    size: Number(size),
    sid: word("sid"),
    cid: word("cid"),
    address: word("local-address"),
    term: Number(fields.get("term") ?? 0) || 0,
    index: Number(fields.get("index") ?? 0) || 0,
    damage: fields.has("damage") ? (word("damage") ?? "ovsdb-tool cannot read it") : null,
  };
}

/** What ovsdb-server says of a file it will not start with, as Kube-OVN has it in ovn-northd's log. */
const RECORD_ERROR = /ovsdb error: (error reading record \d+ from (OVN_\w+) log: [^\n]{1,300})/g;

function logText({ log }: Member): string {
  return `echo @log; tail -c 200000 ${quoted(log)} 2>/dev/null`;
}

function recordErrorIn(text: string, { schema }: Database): string | null {
  return [...text.matchAll(RECORD_ERROR)].filter((found) => found[2] === schema).at(-1)?.[1] ?? null;
}
