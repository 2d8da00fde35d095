import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import type { IdentityFlags } from "./identity-flag.ts";
import { keyByPlace } from "./key-by-place.ts";
import { keyNodes, loadAdded, rekeyAll } from "./key-context.ts";

/** `coldkeep key add`. */
export async function run(call: Call<IdentityFlags>, ...given: readonly string[]): Promise<Answer> {
  const { config } = keyNodes(call);
  const settings = given.length === 0 ? config.keys : given.map((text) => keyByPlace(text, "<key>", config.token));
  const add = await loadAdded(call, config, settings);
  return await rekeyAll(call, { add, going: [] });
}
