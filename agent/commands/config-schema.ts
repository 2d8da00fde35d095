import { configJsonSchema } from "../config/index.ts";
import { profileNames } from "../profiles/index.ts";
import type { Answer } from "./answer.ts";

/** `coldkeep config schema`: JSON with or without --json. */
export async function run(): Promise<Answer> {
  const document = configJsonSchema(profileNames());
  return { document, text: JSON.stringify(document, null, 2) };
}
