import { ColdkeepError } from "../../vault/names/index.ts";
import type { NodeSettings } from "../config/index.ts";
import { profileOf } from "../profiles/index.ts";
import { hostLook } from "./look.ts";

/**
 * Why a snapshot must not simply take the place of the node's data: it signs, and its record of what it signed would be
 * as old as the snapshot. Null where its system has no validators, where its role there signs nothing, or where the
 * configuration says that no such key is on this host (`validator: false`).
 */
export function whySignsTwice({ name, profile, roots, validator }: NodeSettings): ColdkeepError | null {
  const { signing } = profileOf(profile);
  if (signing === undefined || !validator || signing.signs(hostLook, roots) === false) return null;
  return new ColdkeepError("refused", {
    what: "this node may be a validator, and would not know any more what it has signed since",
    on: name,
    why: `${signing.record}; ${signing.why}`,
    todo: `${signing.todo}. Then: --force; or write validator: false where no key that signs is on this host`,
  });
}
