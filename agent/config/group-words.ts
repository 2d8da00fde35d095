/**
 * Two things have nearly one name: `groups`, beside `nodes`, has the sets that are backed up as one; `group` of a node names
 * those, on any hosts, of which only so many are down at once. What to say of a key that stands where the other belongs;
 * null for all other keys.
 */
export function groupHint(key: string, known: readonly string[]): string | null {
  if (key === "groups" && known.includes("max_down_in_group")) {
    return "groups, the sets that are backed up as one, is written once, beside nodes; of a node there is only group, the name of those of which max_down_in_group are down at once";
  }
  if (key === "group" && known.includes("groups")) {
    return "did you mean groups? It has each set by its name: groups: { fabric: { order: [peer0, orderer0] } }; group alone is a setting of a node, with max_down_in_group";
  }
  return null;
}
