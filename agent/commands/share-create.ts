import { resolve } from "node:path";
import { writeKey } from "../keys/index.ts";
import { facts } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { oneLinerOf } from "./restore-line.ts";
import { share, sharedRows } from "./share.ts";
import type { ShareFlags } from "./share-create.command.ts";

/** `coldkeep share <id>`. */
export async function run(call: Call<ShareFlags>, id: string): Promise<Answer> {
  const { flags } = call;
  const shared = await share(call, id, flags.includeSecrets === true);
  const { session, ticket, token, gives, agent } = shared;
  const file = flags.to === undefined ? null : resolve(flags.to);
  if (file !== null) writeKey(file, `${token}\n`);
  const line = oneLinerOf({
    node: session.node.name,
    from: flags.from,
    agent,
    file: file ?? "coldkeep.share",
    share: true,
  });
  const rows = sharedRows(shared);
  if (file !== null) rows.push(["file", `${file}: hand it over on a safe way`]);
  return {
    document: {
      share: { ...ticket },
      gives,
      ...(file === null ? { text: token } : { file }),
      ...(line === null ? {} : { line: line.line }),
    },
    text: `${facts(rows)}${file === null ? `\n\n${token}` : ""}${line === null ? "" : `\n\n${line.words}`}`,
  };
}
