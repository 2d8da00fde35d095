import { type NodeName, names } from "../../vault/names/index.ts";
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
