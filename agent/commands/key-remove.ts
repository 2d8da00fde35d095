import { ColdkeepError } from "../../vault/names/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import type { IdentityFlags } from "./identity-flag.ts";
import { keyByPlace } from "./key-by-place.ts";
import { goingKey, keyNodes, loadOne, rekeyAll } from "./key-context.ts";

/** The labels that `key list` shows: of software, age and RSA keys, tokens and KMS keys. */
const LABEL = /^([0-9a-f]{16}|[^/\s]{1,64}\/(label=.+|[0-9a-f]+)|arn:.+)$/s;

/** `coldkeep key remove`. */
export async function run(call: Call<IdentityFlags>, given: string): Promise<Answer> {
  if (LABEL.test(given)) {
    return await rekeyAll(call, { add: [], going: [{ label: given, owns: async ({ kid }) => kid === given }] });
  }
  const { config } = keyNodes(call);
  const setting = keyByPlace(given, "<key>", config.token);
  const same = ({ field: _field, ...one }: typeof setting) => JSON.stringify(one);
  const still = config.keys.find((key) => same(key) === same(setting));
  if (still !== undefined) {
    throw new ColdkeepError("refused", {
      what: "will not remove a key that new snapshots are still encrypted for",
      on: still.field,
      todo: "take it out of the configuration first",
    });
  }
  const key = await loadOne(call, config, setting);
  return await rekeyAll(call, { add: [], going: [goingKey(key)] });
}
