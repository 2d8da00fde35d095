import { readFileSync } from "node:fs";
import { messageOf } from "../../vault/names/index.ts";
import { renderWebhook } from "./render.ts";
import type { DeliveryContext, Notice, WebhookForm } from "./types.ts";

const LIMIT_MS = 15_000;

/** Where it goes, in words: of a webhook's URL the path is the secret. */
export function placeOf(url: string): string {
  return new URL(url).host;
}

/** The URL that is in a file; its line end does not count. @throws Error where it is none. */
export function readUrl(path: string): string {
  const text = readFileSync(path, "utf8").trim();
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? "")) throw new Error(`${path} holds no URL`);
  return text;
}

/** @throws Error in words without the URL. */
export async function post(url: string, form: WebhookForm, notice: Notice, { signal }: DeliveryContext): Promise<void> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "coldkeep" },
      body: renderWebhook(notice, form),
      // An answer that leads elsewhere would take the message where nobody meant it to go.
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    throw new Error(cause.replaceAll(url, placeOf(url)));
  }
  await response.body?.cancel();
  if (!response.ok) throw new Error(`it answered ${response.status}`);
}
