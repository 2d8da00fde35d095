import { createHash, timingSafeEqual } from "node:crypto";
import { selectSnapshot } from "../../keeper/index.ts";
import { ColdkeepError, isColdkeepError } from "../../vault/names/index.ts";
import { openSnapshot } from "../open/index.ts";
import { openNodeState } from "../state/index.ts";
import type { Answer } from "./answer.ts";
import { challengeText } from "./challenge-text.ts";
import type { Call } from "./define.ts";
import { keyByPlace } from "./key-by-place.ts";
import { loadOne } from "./key-context.ts";
import type { KeyTestFlags } from "./key-test.command.ts";
import { loadKeys, openVault, withoutConsuming } from "./opened.ts";
import { openingWith } from "./opening.ts";
import { openSession, type Session, scopeOf } from "./session.ts";
import { type PublicKey, publicKeys } from "./unproven.ts";

interface Tested {
  readonly key: string;
  readonly opens: boolean;
  readonly words: string;
  /** What would let it open, where that is known. */
  readonly todo?: string;
}

/** `coldkeep key test`. */
export async function run(call: Call<KeyTestFlags>): Promise<Answer> {
  const opened = openSession(call);
  const session = { ...opened, config: withoutConsuming(opened.config) };
  const { config, node } = session;
  const keys = await loadKeys(config, call);
  const elsewhere = await publicKeys(config, node, keys);
  if (call.flags.answer !== undefined) return accept(session, elsewhere, call.flags.answer, call.io.clock.now());
  const more = (call.flags.identity ?? []).map((text) => keyByPlace(text, "--identity", config.token));
  const settings = [...more, ...config.identities];
  const all = [...keys, ...(await Promise.all(settings.map((setting) => loadOne(call, config, setting))))];
  const tested = await tryAll(session, all, call);
  const failed = tested.filter(({ opens }) => !opens);
  const open = elsewhere.filter(({ proven }) => proven === undefined);
  const lines = [...tested.map(({ key, words }) => `${key}: ${words}`), ...elsewhere.flatMap(challengeText)];
  return {
    document: {
      node: node.name,
      keys: tested,
      elsewhere: elsewhere.map(({ key, label, question, proven }) => ({
        key: key.label,
        label,
        question,
        proven: proven ?? null,
      })),
    },
    text: lines.join("\n"),
    ...(failed.length === 0 && open.length === 0 ? {} : { failure: unproven(failed, open) }),
  };
}

async function tryAll(session: Session, keys: readonly Awaited<ReturnType<typeof loadOne>>[], call: Call) {
  const { config, node } = session;
  const store = await openVault(config, call, "read");
  const selection = { by: "latest" } as const;
  const { snapshot } = await selectSnapshot({ store, ...scopeOf(config, node.name), selection });
  const tested: Tested[] = [];
  for (const { identity, label } of keys) {
    if (identity === null) continue;
    try {
      await openSnapshot(openingWith(session, store, call, [identity])(snapshot));
      tested.push({ key: label, opens: true, words: `opens ${snapshot}` });
    } catch (error) {
      if (!isColdkeepError(error) || error.kind === "interrupted") throw error;
      const { kind, what, why, todo } = error;
      const words = `DOES NOT OPEN ${snapshot}: ${[what, why?.split("\n")[0]].filter(Boolean).join(": ")}`;
      // One that is kept from trying is not wrong: another slot would not help it.
      const help = kind === "permission" && todo !== undefined ? { todo } : {};
      tested.push({ key: label, opens: false, words, ...help });
    }
  }
  return tested;
}

function accept(session: Session, keys: readonly PublicKey[], answer: string, now: number): Answer {
  const given = createHash("sha256").update(answer.trim()).digest();
  const found = keys.find(({ sha256 }) => timingSafeEqual(Buffer.from(sha256, "base64url"), given));
  if (found === undefined) {
    throw new ColdkeepError("key", {
      what: "this answers no challenge of this host",
      todo: "`coldkeep key test` prints them; give the 32 letters that come out",
    });
  }
  const { key, label, question, sha256 } = found;
  openNodeState(session.config.stateDir, session.node.name).recipients.set(label, { question, sha256, proven: now });
  return {
    document: { key: key.label, label, proven: now },
    text: `${key.label}: proven. Its private half is there and opens.`,
  };
}

function unproven(failed: readonly Tested[], open: readonly PublicKey[]): ColdkeepError {
  const [first] = [...failed.map(({ key }) => key), ...open.map(({ key }) => key.label)];
  return new ColdkeepError("key", {
    what: "not every key is proven to open",
    ...(first === undefined ? {} : { on: first }),
    todo:
      failed.length > 0
        ? (failed[0]?.todo ?? "`coldkeep key add` gives it a slot in the snapshots there are")
        : "answer the challenges above",
  });
}
