import { ColdkeepError } from "../../vault/names/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { keyByPlace } from "./key-by-place.ts";
import { keyNodes, loadAdded, loadOne, ownerOf, rekeyAll } from "./key-context.ts";
import type { RotateFlags } from "./key-rotate.command.ts";

/** `coldkeep key rotate`. */
export async function run(call: Call<RotateFlags>): Promise<Answer> {
  const { old = [] } = call.flags;
  if (old.length === 0) {
    throw new ColdkeepError("usage", {
      what: "which key is to open nothing any more?",
      todo: "name it with --old; `coldkeep key add` adds a key and removes none",
    });
  }
  const { config } = keyNodes(call);
  const add = await loadAdded(call, config, config.keys);
  const settings = old.map((text) => keyByPlace(text, "--old", config.token));
  const leaving = await Promise.all(settings.map((setting) => loadOne(call, config, setting)));
  const owners = leaving.map(ownerOf);
  return await rekeyAll(call, {
    add,
    leaving,
    async removes(slot, scope) {
      for (const owns of owners) if (await owns(slot, scope)) return true;
      return false;
    },
  });
}
