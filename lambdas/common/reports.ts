import { isColdkeepError, type NodeName, names } from "../../vault/names/index.ts";
import type { Reader, Replacer } from "../../vault/store/facets.ts";

/** Lays down what a job did and found, in place of what it said the night before. Another night decides by it at most what it need not ask S3 again. */
export async function putReport(
  store: Reader & Replacer,
  node: NodeName,
  job: string,
  report: Readonly<Record<string, unknown>>,
): Promise<void> {
  const name = names.report(node, job);
  const bytes = Buffer.from(`${JSON.stringify({ format: 1, node, ...report }, null, 2)}\n`);
  // Another run of the same night may be faster; then the one that comes later is as good.
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const there = await store.head(name);
    if ((await store.replace(name, bytes, there?.etag ?? null)).replaced) return;
  }
}

const MAX_REPORT = 16 << 20;

/** What a job said the night before; nothing where it did not, or where it cannot be read. @throws what the store throws. */
export async function readReport(
  store: Reader,
  node: NodeName,
  job: string,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    const found = await store.get(names.report(node, job), { maxBytes: MAX_REPORT });
    const value: unknown = found === null ? null : JSON.parse(Buffer.from(found.bytes).toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch (error) {
    if (error instanceof SyntaxError || isColdkeepError(error, "integrity")) return {};
    throw error;
  }
}
