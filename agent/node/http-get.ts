import { messageOf } from "../../vault/names/index.ts";
import { redact } from "./redact.ts";
import type { CallOptions } from "./types.ts";

/** Bytes read of an answer; a health or height page has a few. */
const MAX_BODY = 1 << 20;

export type HttpAnswer = { readonly status: number; readonly body: string } | { readonly trouble: string };

/**
 * Asks with GET, within the time limit for the whole answer; redirects are answers, not followed, and at most 1 MiB is
 * read. Never throws.
 */
export async function httpGet(url: string, { signal, timeoutMs }: CallOptions): Promise<HttpAnswer> {
  // What is left of a limit is a fraction; a timer takes whole milliseconds alone.
  const limit = AbortSignal.timeout(Math.ceil(timeoutMs));
  try {
    const response = await fetch(url, {
      redirect: "manual",
      headers: { connection: "close" },
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    });
    return { status: response.status, body: await readBody(response) };
  } catch (error) {
    if (limit.aborted) return { trouble: `no answer within ${timeoutMs / 1000} s` };
    return { trouble: redact(causeOf(error)) };
  }
}

async function readBody(response: Response): Promise<string> {
  if (response.body === null) return "";
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body) {
    parts.push(part);
    length += part.length;
    // Leaving the loop cancels the rest.
    if (length >= MAX_BODY) break;
  }
  return Buffer.concat(parts).subarray(0, MAX_BODY).toString("utf8");
}

/** fetch says "fetch failed" and keeps the reason in the cause. */
function causeOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error
    ? error.cause.message || messageOf(error)
    : messageOf(error);
}
