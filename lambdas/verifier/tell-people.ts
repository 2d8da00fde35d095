import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import type { Findings } from "./findings.ts";

/** One thing a person should know of. */
export interface Finding {
  readonly kind: "damage" | "stale" | "lock" | "odd";
  /** The snapshot or node it is about. */
  readonly on: string;
  readonly words: string;
}

export interface Message {
  readonly subject: string;
  readonly text: string;
}

export type TellPeople = (message: Message) => Promise<void>;

export function tellBy(topic: string): TellPeople {
  const client = new SNSClient({});
  return async ({ subject, text }) => {
    await client.send(new PublishCommand({ TopicArn: topic, Subject: subject, Message: text }));
  };
}

const SHOWN = 20;

const TODO: Readonly<Record<Finding["kind"], string>> = {
  damage:
    "Other snapshots may be whole: `coldkeep verify --all --without-key` on any host tells which. Bring the objects back from a " +
    "copy of the vault (`coldkeep copy`) or from their earlier versions; a full backup (`coldkeep backup --full`) shares " +
    "nothing with what is damaged.",
  stale: "Look at the host: its timer, its disk, `coldkeep doctor`, and the last lines of its journal.",
  lock:
    "Each night retention renews the locks of what is in use. Look at its last report (reports/retention.json: `locks`), whether " +
    "its role still may s3:PutObjectRetention, and whether the bucket's default retention was made shorter. Called with " +
    '`{"node": "<name>", "relock": true}` it locks all that is in use anew.',
  odd: "Look whether the node did what its snapshots say. Nothing was changed.",
};

/** What is wrong and what to do about it, in the order of how much it matters. */
export function messageOf(node: string, findings: Findings): Message {
  const kinds = (["damage", "stale", "lock", "odd"] as const).filter((kind) => findings.count(kind) > 0);
  const parts = kinds.map((kind) => {
    const kept = findings.kept.filter((one) => one.kind === kind);
    const [more, lost] = [findings.count(kind) - SHOWN, findings.count(kind) - kept.length];
    const where = lost > 0 ? `the first ${kept.length} are in reports/verifier.json` : "in reports/verifier.json";
    const rest = more > 0 ? [`  and ${more} more, ${where}`] : [];
    const lines = kept.slice(0, SHOWN).map(({ on, words }) => `  ${on}: ${words}`);
    return [...lines, ...rest, TODO[kind]].join("\n");
  });
  // SNS takes 100 letters of ASCII; a node's name has at most 63.
  const subject = `coldkeep: ${node}: ${kinds.map((kind) => SUBJECT[kind]).join(", ")}`.slice(0, 99);
  return { subject, text: `Node ${node}\n\n${parts.join("\n\n")}\n` };
}

const SUBJECT = { damage: "damaged", stale: "no new snapshot", lock: "locks run out", odd: "odd" } as const;
