import { ColdkeepError } from "../../vault/names/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { markOne } from "./mark.ts";
import type { TagFlags } from "./tag.command.ts";

const MAX_TAGS = 64;

/** `coldkeep tag <id>`. */
export async function run(call: Call<TagFlags>, id: string): Promise<Answer> {
  const { add = [], remove = [] } = call.flags;
  const twice = add.find((tag) => remove.includes(tag));
  if (add.length + remove.length === 0 || twice !== undefined) {
    throw new ColdkeepError("usage", {
      what: "which tags are to change?",
      why: twice === undefined ? "neither --add nor --remove is given" : `${twice} is to be added and removed`,
      todo: "name them: coldkeep tag <id> --add <tag> --remove <tag>",
    });
  }
  const { entry, changed } = await markOne(call, id, (before) => {
    const tags = [...new Set([...before.tags, ...add])].filter((tag) => !remove.includes(tag));
    if (tags.length <= MAX_TAGS) return { ...before, tags };
    throw new ColdkeepError("refused", {
      what: "too many tags",
      on: id,
      why: `${tags.length}, at most ${MAX_TAGS} are allowed`,
    });
  });
  const { snapshot, tags } = entry;
  const told = tags.length === 0 ? "no tags" : tags.join(" ");
  return {
    document: { snapshot, tags, changed },
    text: changed ? `${snapshot} now has ${told}.` : `${snapshot} has ${told} already; nothing was changed.`,
  };
}
