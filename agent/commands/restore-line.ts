import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { renderRestoreScript } from "../../keeper/index.ts";
import { ColdkeepError, messageOf, type NodeName, names, shellQuote } from "../../vault/names/index.ts";
import { hashed, type Store } from "../../vault/store/index.ts";

/** Larger than any package with its Node inside. */
const MAX_AGENT = 256 << 20;

/**
 * Puts a packaged coldkeep where hosts without one fetch it. Gives its SHA-256.
 * @throws ColdkeepError `usage` for a file that is none; `integrity` where something else lies under its name.
 */
export async function putAgent(store: Store, path: string): Promise<string> {
  const body = hashed(readAgent(path));
  const sha256 = Buffer.from(body.sha256).toString("hex");
  const name = names.agentTarball(sha256);
  const there = await store.head(name);
  if (there === null) {
    const outcome = await store.create(name, body);
    if (outcome.created || outcome.same) return sha256;
  } else if (there.size === body.bytes.length) {
    // Reading costs no more than putting it, and who restores would otherwise be the first to learn of damage.
    const found = await store.get(name, { maxBytes: there.size });
    if (found !== null && Buffer.compare(found.bytes, body.bytes) === 0) return sha256;
  }
  throw new ColdkeepError("integrity", {
    what: "something else lies in the vault in place of this package",
    on: name,
    todo: "find out who put it there; its digest would have been found wrong by every restore",
  });
}

function readAgent(path: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new ColdkeepError("usage", {
      what: "cannot read the package",
      on: path,
      why: messageOf(error),
      cause: error,
    });
  }
  if (bytes.length <= MAX_AGENT && bytes[0] === 0x1f && bytes[1] === 0x8b) return bytes;
  throw new ColdkeepError("usage", { what: "this is no package of coldkeep", on: path, why: "a .tar.gz is expected" });
}

/** What is typed on a fresh host. */
export interface OneLiner {
  readonly line: string;
  readonly words: string;
  /** SHA-256 of restore.sh, where it is downloaded. */
  readonly script?: string;
}

export interface OneLinerOptions {
  readonly node: NodeName;
  readonly from: string | undefined;
  /** Digest of the packaged coldkeep; null where the host is to have one. */
  readonly agent: string | null;
  readonly file: string;
  readonly share: boolean;
}

/**
 * The line that restores. The script is downloaded, compared with the digest in the line, and only then run; its digest is
 * made here, so the presenter can change neither it nor what it runs. The ticket stands in no argument and no URL.
 */
export function oneLinerOf({ node, from, agent, file, share }: OneLinerOptions): OneLiner | null {
  if (from === undefined) return null;
  const base = from.replace(/\/+$/, "");
  const name = `./${file.slice(file.lastIndexOf("/") + 1)}`;
  const flag = share ? "--share-file" : "--ticket-file";
  const rest = `${share ? "" : " --identity KEY"} --to FOLDER`;
  if (agent === null) {
    const line = `coldkeep restore --from ${quoted(base)} --node ${node} ${flag} ${quoted(name)}${rest}`;
    return { line, words: `On a host with coldkeep, beside the file:\n\n${line}` };
  }
  const script = createHash("sha256").update(renderRestoreScript({ node, agent })).digest("hex");
  const ticket = share ? `sed 's/^ckshare1[.]//; s/[.][^.]*$//' ${quoted(name)}` : `cat ${quoted(name)}`;
  const line =
    `printf 'header = "Authorization: Bearer %s"\\n' "$(${ticket})" | ` +
    `curl -K - -fsS -o restore.sh ${quoted(`${base}/nodes/${node}/latest/restore.sh?agent=${agent}`)} && ` +
    `echo '${script}  restore.sh' | sha256sum -c - && ` +
    `sh restore.sh --from ${quoted(base)} ${flag} ${quoted(name)}${rest}`;
  return { line, script, words: `On any Linux host with curl, beside the file:\n\n${line}` };
}

/** The same for everybody: script and share token lie beside the page, and neither is a secret. */
export function publicLineOf(o: {
  readonly node: NodeName;
  readonly from: string;
  readonly url: string;
  /** SHA-256 of restore.sh; null where the host is to have coldkeep. */
  readonly script: string | null;
}): string {
  const { node, url, script } = o;
  const base = quoted(o.from.replace(/\/+$/, ""));
  const file = `${node}.share`;
  const fetched = `curl -fsSO ${quoted(`${url}/${file}`)}`;
  if (script === null) {
    return `${fetched} && coldkeep restore --from ${base} --node ${node} --share-file ./${file} --to FOLDER`;
  }
  return (
    `curl -fsSO ${quoted(`${url}/restore.sh`)} && echo '${script}  restore.sh' | sha256sum -c - && ${fetched} && ` +
    `sh restore.sh --from ${base} --share-file ./${file} --to FOLDER`
  );
}

function quoted(text: string): string {
  return /^[A-Za-z0-9_./:@%+=-]+$/.test(text) ? text : shellQuote(text);
}
