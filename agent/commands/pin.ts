import { ColdkeepError } from "../../vault/names/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { markOne } from "./mark.ts";
import type { PinFlags } from "./pin.command.ts";

const MAX_REASON = 255;

/** `coldkeep pin <id>`. */
export async function pin(call: Call<PinFlags>, id: string): Promise<Answer> {
  const { reason } = call.flags;
  if (reason !== undefined && reason.length > MAX_REASON) {
    throw new ColdkeepError("usage", {
      what: "the reason is too long",
      why: `${reason.length} characters, at most ${MAX_REASON} are kept`,
    });
  }
  const { entry, changed } = await markOne(call, id, ({ tags, reason: before }) => {
    const why = reason ?? before;
    return { pinned: true, tags, ...(why === undefined ? {} : { reason: why }) };
  });
  const { snapshot, state, expired } = entry;
  const back = expired === undefined ? "" : " It is expired: `coldkeep forget --apply` brings it back.";
  return {
    document: { snapshot, pinned: true, state, changed },
    text: changed ? `${snapshot} is kept until it is unpinned.${back}` : `${snapshot} is pinned already.${back}`,
  };
}

/** `coldkeep unpin <id>`. */
export async function unpin(call: Call, id: string): Promise<Answer> {
  const { entry, changed } = await markOne(call, id, ({ tags }) => ({ pinned: false, tags }));
  const { snapshot, state } = entry;
  return {
    document: { snapshot, pinned: false, state, changed },
    text: changed ? `${snapshot} is kept as the tiers say.` : `${snapshot} is not pinned; nothing was changed.`,
  };
}
