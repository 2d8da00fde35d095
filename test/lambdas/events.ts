import type { SQSRecord } from "aws-lambda";
import type { Teller } from "../../lambdas/common/report.ts";

let sent = 0;

/** A record of the queue as S3's notification of one object makes it, of the parts that are read. */
export function recordOf(bucket: string, key: string): SQSRecord {
  const encoded = encodeURIComponent(key).replaceAll("%2F", "/");
  return textRecord(JSON.stringify({ Records: [{ s3: { bucket: { name: bucket }, object: { key: encoded } } }] }));
}

/** A record that says anything at all. */
export function textRecord(body: string): SQSRecord {
  sent += 1;
  return { messageId: `m${sent}`, body } as SQSRecord;
}

/** Keeps what a function says, for a look. */
export function keepingTeller(): Teller & { readonly lines: string[]; readonly counts: Map<string, number> } {
  const lines: string[] = [];
  const counts = new Map<string, number>();
  const say = (level: string) => (message: string, details: unknown) => {
    lines.push(`${level} ${message} ${details instanceof Error ? details.message : JSON.stringify(details)}`);
  };
  return {
    lines,
    counts,
    info: say("info"),
    warn: say("warn"),
    error: say("error"),
    count: (metric, value) => counts.set(metric, (counts.get(metric) ?? 0) + value),
    flush: () => {},
  };
}
