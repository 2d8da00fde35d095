import { listSlots } from "../rekey/index.ts";
import { table } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { keyNodes } from "./key-context.ts";
import { openVault } from "./opened.ts";
import { scopeOf } from "./session.ts";

/** `coldkeep key list`. */
export async function run(call: Call): Promise<Answer> {
  const { config, nodes } = keyNodes(call);
  const store = await openVault(config, call, "read");
  const all = [];
  for (const { name } of nodes) all.push({ node: name, ...(await listSlots({ store, ...scopeOf(config, name) })) });
  const rows = all.flatMap(({ node, groups, snapshots }) =>
    groups.map(({ type, kid, strength, snapshots: own }) => [
      node,
      type,
      kid,
      `${own.length} of ${snapshots}`,
      `${strength.bits ?? "?"}: ${strength.words}`,
    ]),
  );
  const titles = ["NODE", "TYPE", "LABEL", "SNAPSHOTS", "STRENGTH"].map((title) => ({ title }));
  return {
    document: { vault: store.url, nodes: all },
    text: rows.length === 0 ? "There are no snapshots yet." : table(titles, rows),
  };
}
