import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { notePublished, renderRestoreScript } from "../../keeper/index.ts";
import { ColdkeepError, messageOf, systemCode, VERSION } from "../../vault/names/index.ts";
import { facts, formatBytes, formatHeights, formatTime, publicPage } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import type { PublishFlags } from "./publish.command.ts";
import { publicLineOf } from "./restore-line.ts";
import { givenRows, type Shared, share } from "./share.ts";

/** `coldkeep publish <id>`. */
export async function run(call: Call<PublishFlags>, id: string): Promise<Answer> {
  const { flags } = call;
  const folder = makeFolder(resolve(flags.to));
  const shared = await share(call, id, false);
  const { ticket, token, gives, agent, session, store } = shared;
  const { name: node } = session.node;
  // Known before it is out: what is public can be found and revoked.
  await notePublished(store, ticket.tid, flags.url);
  const script = agent === null ? null : renderRestoreScript({ node, agent });
  const line = publicLineOf({
    ...{ node, from: flags.from, url: flags.url },
    script: script === null ? null : createHash("sha256").update(script).digest("hex"),
  });
  writeFileSync(join(folder, `${node}.share`), `${token}\n`);
  if (script !== null) writeFileSync(join(folder, "restore.sh"), script);
  writeFileSync(join(folder, "index.html"), pageOf(shared, line));
  const rows = [
    ["published", ticket.tid],
    ["of", `${ticket.node}, ${ticket.snapshot}`],
    ["until", formatTime(ticket.exp * 1000)],
    ...givenRows(shared),
    ["to", "everybody who ever sees the page"],
    ["folder", `${folder}: have it served as ${flags.url}`],
    ["revoke", `coldkeep publish revoke ${ticket.tid}: ends downloads; what was fetched stays readable`],
  ] as const;
  return {
    document: { published: { ...ticket }, gives, url: flags.url, folder, line },
    text: `${facts(rows)}\n\n${line}`,
  };
}

function pageOf({ ticket, gives, entry, session, agent }: Shared, line: string): string {
  const { bytes, files, sealed, leftOut } = gives;
  return publicPage({
    title: `${session.node.name}: snapshot`,
    rows: [
      ["Snapshot", entry.snapshot],
      ["Height", formatHeights(entry.heights)],
      ["Received", formatTime(entry.received)],
      ["Content", `${formatBytes(bytes)} in ${files} files`],
      ["Download", formatBytes(sealed)],
      ["Available until", formatTime(ticket.exp * 1000)],
      ["Signed by", ticket.card_key],
    ],
    line,
    notes: [
      agent === null
        ? `On a host with coldkeep ${VERSION} or newer. FOLDER is a new one.`
        : "On any Linux host with curl. FOLDER is a new one. The line compares what it downloads with digests that stand in it.",
      "All bytes are checked against the snapshot's own digests before they are put in place.",
      ...(leftOut === 0 ? [] : ["The node's own keys and identity are left out: bring your own."]),
    ],
  });
}

/** Readable by the web server, whoever that is; nothing in it is a secret any more. */
function makeFolder(path: string): string {
  try {
    mkdirSync(path, { mode: 0o755 });
    return path;
  } catch (error) {
    const there = systemCode(error) === "EEXIST";
    throw new ColdkeepError("usage", {
      what: there ? "the folder is there already" : "cannot make the folder",
      on: path,
      why: messageOf(error),
      todo: "give a new one with --to",
      cause: error,
    });
  }
}
