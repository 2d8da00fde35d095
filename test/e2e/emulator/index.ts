import { get } from "node:http";
import { text } from "node:stream/consumers";
import { inject } from "vitest";
import { onCi } from "../../support/ci.ts";
import type { Missing } from "./venv.ts";

/**
 * The AWS emulator of this test run, started on first call. Where it cannot run, says why: the tests that need it skip
 * with these words. In CI that is an error.
 */
export async function emulator(): Promise<{ readonly endpoint: string } | Missing> {
  const answer = await ask(inject("emulatorDoor"));
  const found = JSON.parse(answer) as { readonly endpoint: string } | Missing;
  if ("missing" in found && onCi()) throw new Error(`CI has no emulator: ${found.missing}`);
  return found;
}

/** Without fetch's limit of five minutes on an answer: the first one may take an installation. */
function ask(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      text(response).then((body) => (response.statusCode === 200 ? resolve(body) : reject(new Error(body))), reject);
    }).on("error", reject);
  });
}
