import { parseChainmaker } from "../../../agent/config/chainmaker.ts";
import { parseConfig, readLooseYaml } from "../../../agent/config/index.ts";
import { parseNodes } from "../../../agent/config/parse.ts";
import { parseMetaFile } from "../../../agent/exchange/meta-file.ts";
import { makeTreeGuard } from "../../../agent/open/tree-guard.ts";
import { layoutOf } from "../../../agent/profiles/chainmaker/layout.ts";
import { readShareToken } from "../../../agent/share/token.ts";
import {
  isCommitted,
  parseBackupList,
  parseBegin,
  parseCard,
  parseFate,
  parseGroupCard,
  parseHead,
  parseIndex,
  parseLocks,
  parseMark,
  parseNodeJson,
  parseOriginRecord,
  parsePackList,
  parsePin,
  parseVaultJson,
  verifyCardSignature,
} from "../../../vault/card/index.ts";
import { names, toBase64url } from "../../../vault/names/index.ts";
import { EntryOrder, openKeyFile, openManifest, openObject, parseSegment } from "../../../vault/sealed/index.ts";
import { parseIssued, parseRevoked, readTicket } from "../../../vault/ticket/index.ts";
import { mutateBytes, mutateJson, mutateText } from "./mutate.ts";
import { BadOutcome } from "./outcome.ts";
import type { Dice } from "./random.ts";
import { jsonOf, makeSamples, type Samples, sealManifestText, sealPackOf } from "./samples.ts";
import { guardTar } from "./tar.ts";
import { CHAINMAKER, CHAINMAKER_WORDS, CONFIG, CONFIG_WORDS, META, META_WORDS, PROFILES } from "./texts.ts";

/** A parser and what it is fed: one execution makes an input by the dice and has it read. */
export interface Target {
  readonly name: string;
  /** Reads one input; what it throws is judged by the caller. */
  run(dice: Dice): unknown;
}

const SAFE = /^[^/\0]{1,255}$/;

/** All parsers of what may come from strangers, with samples that the program's own writers made. */
export async function makeTargets(): Promise<readonly Target[]> {
  const w = await makeSamples();
  return [
    {
      name: "card",
      run: (dice) => {
        const card = parseCard(mutateJson(dice, jsonOf(w.card)), { node: w.node });
        if (isCommitted(card)) verifyCardSignature(card);
      },
    },
    { name: "manifest", run: (dice) => readManifest(w, dice) },
    { name: "segment", run: (dice) => void readSegment(w, dice) },
    { name: "pack", run: (dice) => void readPack(w, dice) },
    {
      name: "key.json",
      run: (dice) =>
        openKeyFile({ bytes: mutateJson(dice, jsonOf(w.keyFile)), scope: w.keys.scope, identities: [w.identity] }),
    },
    {
      name: "index",
      run: (dice) => {
        const which = dice.below(3);
        if (which === 0) return readIndex(w, dice);
        if (which === 1) return parseHead(mutateJson(dice, jsonOf(w.head)), { node: w.node });
        return parseBackupList(mutateBytes(dice, w.backupList));
      },
    },
    { name: "records", run: (dice) => readRecord(w, dice) },
    {
      name: "config",
      run: (dice) => {
        const text = mutateText(dice, CONFIG, CONFIG_WORDS);
        return dice.once(4) ? parseNodes(text, "c.yaml", PROFILES) : parseConfig(text, "c.yaml", PROFILES);
      },
    },
    {
      name: "chainmaker.yml",
      run: (dice) => {
        const text = mutateText(dice, CHAINMAKER, CHAINMAKER_WORDS);
        if (dice.once(3)) return parseChainmaker(text, "chainmaker.yml", false);
        const look = { list: () => [], read: () => null, yaml: () => undefined };
        return layoutOf(look, readLooseYaml(text), "/srv/node/config/wx/chainmaker.yml", {});
      },
    },
    {
      name: "BackupEngine meta",
      run: (dice) => {
        const { files } = parseMetaFile(mutateText(dice, META, META_WORDS), "meta/1");
        for (const { path, name } of files) {
          const parts = path.split("/");
          if (![name, ...parts].every((part) => SAFE.test(part) && part !== "." && part !== "..")) {
            throw new BadOutcome(`a path leads elsewhere: ${JSON.stringify([path, name])}`);
          }
        }
      },
    },
    { name: "tar import", run: guardTar },
    { name: "ticket", run: (dice) => readTicketText(w, dice) },
    { name: "HTTP routes", run: (dice) => askPresenter(w, dice) },
  ];
}

function readManifest(w: Samples, dice: Dice): void {
  // Once in a while the sealed bytes, which a stranger can reach; else what a host with the key could seal.
  const bytes = dice.once(16)
    ? mutateBytes(dice, w.manifest)
    : sealManifestText(dice, mutateJson(dice, w.manifestJson), w.keys);
  openManifest(bytes, w.keys);
}

function readSegment(w: Samples, dice: Dice): void {
  const lines = Buffer.from(w.segment).toString("utf8").split("\n").slice(0, -1);
  const at = dice.below(lines.length);
  const line = Buffer.from(mutateJson(dice, JSON.parse(lines[at] ?? "{}"))).toString("latin1");
  const changed = lines.map((other, nth) => (nth === at ? line : Buffer.from(other).toString("latin1")));
  if (dice.once(6)) changed.splice(dice.below(changed.length), 1);
  if (dice.once(6)) changed.push(dice.pick(changed));
  let bytes: Uint8Array = Buffer.from(`${changed.join("\n")}\n`, "latin1");
  if (dice.once(10)) bytes = mutateBytes(dice, bytes);
  const guard = makeTreeGuard(w.manifestJson);
  const order = new EntryOrder();
  for (const entry of parseSegment(bytes, order)) {
    guard.check(entry);
    const path = Buffer.from(entry.path).toString("latin1");
    if (path.startsWith("/") || path.split("/").some((part) => part === ".." || part === "." || part === "")) {
      throw new BadOutcome(`a path leads elsewhere: ${JSON.stringify(path)}`);
    }
  }
  order.end();
  guard.finish();
}

/** Whole objects as strangers change them, and as a host with the key could seal them: bombs among them. */
function readPack(w: Samples, dice: Dice): void {
  const bytes = dice.once(2) ? mutateBytes(dice, w.pack) : sealPackOf(dice, w.keys);
  const identity = { scope: w.keys.scope, kind: "pack", index: 0, name: names.packName(0) } as const;
  const object = openObject({ ...identity, key: w.keys.pack, bytes });
  for (const [nth, row] of object.rows.entries()) {
    const { length } = object.frame(nth).bytes;
    if (length !== row.plain) throw new BadOutcome(`frame ${nth} has ${length} bytes, its row says ${row.plain}`);
  }
}

/** Half of them without the sum, which no change would pass: as those of before there was one. */
function readIndex(w: Samples, dice: Dice) {
  const { sha256, ...unsummed } = jsonOf(w.index) as { readonly sha256: string };
  const from = dice.once(2) ? unsummed : { ...unsummed, sha256 };
  return parseIndex(mutateJson(dice, from), { node: w.node });
}

function readRecord(w: Samples, dice: Dice): unknown {
  const [bytes, parse] = dice.pick(RECORDS(w));
  return parse(mutateJson(dice, jsonOf(bytes)));
}

const RECORDS = (w: Samples): readonly (readonly [Uint8Array, (bytes: Uint8Array) => unknown])[] => [
  [w.begin, (bytes) => parseBegin(bytes, { node: w.node })],
  [w.nodeJson, (bytes) => parseNodeJson(bytes, { node: w.node })],
  [w.vaultJson, (bytes) => parseVaultJson(bytes)],
  [w.packList, (bytes) => parsePackList(bytes, { node: w.node })],
  [w.mark, (bytes) => parseMark(bytes, { node: w.node })],
  [w.fate, (bytes) => parseFate(bytes, { node: w.node })],
  [w.pin, (bytes) => parsePin(bytes, { node: w.node })],
  [w.origin, (bytes) => parseOriginRecord(bytes, { node: w.node })],
  [w.locks, (bytes) => parseLocks(bytes, { node: w.node })],
  [w.group, (bytes) => parseGroupCard(bytes, { group: "all", id: w.snapshot })],
  [w.revoked, (bytes) => parseRevoked(bytes)],
  [w.issued, (bytes) => parseIssued(bytes, "issued")],
];

async function readTicketText(w: Samples, dice: Dice): Promise<unknown> {
  if (dice.once(8)) return readShareToken(Buffer.from(mutateBytes(dice, Buffer.from(w.shareToken))).toString("latin1"));
  if (dice.once(4)) return readTicket(Buffer.from(mutateBytes(dice, Buffer.from(w.ticket))).toString("latin1"), w.mac);
  // With a right MAC, as only whoever holds the ticket key makes it: what lies behind the check is to be reached.
  const payload = mutateJson(dice, w.ticketJson);
  const message = Buffer.concat([Buffer.from("coldkeep/v1 ticket\0"), payload]);
  return readTicket(`ckt1.${toBase64url(payload)}.${toBase64url(await w.mac.sign(message))}`, w.mac);
}

const METHODS = ["GET", "GET", "GET", "GET", "POST", "DELETE", "HEAD", "get", ""];
const ROUTE_WORDS = [
  "..",
  "%2e%2e",
  "%00",
  "//",
  "?",
  "#",
  "plan",
  "snapshots",
  "latest",
  "nodes",
  "?page=9",
  "%",
  "%ff",
  "é",
];

const maybe = (dice: Dice, path: string) => (dice.once(3) ? path : mutateText(dice, path, ROUTE_WORDS));

/** Every question is answered: an error's own answer is one, a throw is none. */
async function askPresenter(w: Samples, dice: Dice): Promise<void> {
  const routes = [
    "/openapi.json",
    "/nodes",
    `/nodes/${w.node}`,
    `/nodes/${w.node}/snapshots`,
    `/nodes/${w.node}/snapshots/latest`,
    `/nodes/${w.node}/snapshots/${w.snapshot}/plan`,
    `/nodes/${w.node}/restore.sh`,
    `/agents/${"a".repeat(64)}`,
  ];
  const [path = "", query = ""] = maybe(dice, dice.pick(routes)).split("?", 2);
  const q = dice.once(2) ? query : mutateText(dice, "month=2026-01&page=0-1&bring=1", ROUTE_WORDS);
  const ticket = dice.once(3) ? mutateText(dice, w.ticket, ROUTE_WORDS) : w.ticket;
  const who = dice.once(4) ? { caller: "arn:aws:iam::1:role/r" } : { authorization: `Bearer ${ticket}` };
  let answer: Awaited<ReturnType<Samples["present"]>>;
  try {
    answer = await w.present({ method: dice.pick(METHODS), path, query: q, ...who });
  } catch (error) {
    throw new BadOutcome(`the presenter threw: ${error instanceof Error ? error.stack : String(error)}`);
  }
  if (!(answer.status >= 200 && answer.status < 500)) throw new BadOutcome(`it answered ${answer.status}`);
  for (const value of Object.values(answer.headers)) {
    if (/[\r\n]/.test(value)) throw new BadOutcome("a header was split");
  }
}
