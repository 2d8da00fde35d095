import type { GroupMember } from "../../vault/card/index.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { type Config, type GroupSettings, nearest } from "../config/index.ts";
import { allProfiles } from "../profiles/index.ts";

/** The group of that name. @throws ColdkeepError `usage` naming the groups there are. */
export function pickGroup(
  { groups, nodes, path }: Pick<Config, "groups" | "nodes" | "path">,
  wanted: string,
): GroupSettings {
  const found = groups.find(({ name }) => name === wanted);
  if (found !== undefined) return found;
  const turns = nodes.filter(({ stop }) => stop.group?.name === wanted).map(({ name }) => name);
  if (turns.length > 0) {
    throw new ColdkeepError("usage", {
      what: "this is no group that is backed up as one set",
      on: JSON.stringify(wanted),
      why: `in ${path} it is the \`group\` of ${turns.join(", ")}: of those only \`max_down_in_group\` are down at once`,
      todo: `write the set under \`groups\`, beside \`nodes\`: groups: { ${wanted}: { order: [${turns.join(", ")}] } }`,
    });
  }
  const known = groups.map(({ name }) => name);
  const near = nearest(wanted, known);
  throw new ColdkeepError("usage", {
    what: "there is no such group",
    on: JSON.stringify(wanted),
    why: known.length === 0 ? `${path} has none` : `${path} has ${known.join(", ")}`,
    todo: near === null ? "write it under groups, with the order of its nodes" : `did you mean --group ${near}?`,
  });
}

/** What is to hold between two members: `older` must not be newer than `newer`. */
interface Bond {
  readonly older: number;
  readonly newer: number;
  readonly why: string;
  readonly together: boolean;
}

/** By the profiles' rules; members are told by their places in the list. */
function bondsOf(profiles: readonly string[]): readonly Bond[] {
  return profiles.flatMap((profile, older) =>
    (allProfiles().find(({ name }) => name === profile)?.group ?? []).flatMap(({ notNewerThan, why, together }) =>
      profiles.flatMap((other, newer) =>
        other === notNewerThan ? [{ older, newer, why, together: together === true }] : [],
      ),
    ),
  );
}

/**
 * Before anything is stopped: the order captures older first where it is one by one, and nodes that must be down together are.
 * @throws ColdkeepError `config`.
 */
export function assertOrder(group: GroupSettings, profiles: readonly string[]): void {
  if (group.down === "together") return;
  for (const { older, newer, why, together } of bondsOf(profiles)) {
    const names = `${group.order[older]} (${profiles[older]}) and ${group.order[newer]} (${profiles[newer]})`;
    if (together) throw wrong(group, `${names} can only be down together`, "write down: together");
    if (older > newer) {
      const todo = `write ${group.order[older]} before ${group.order[newer]} in its order, or down: together`;
      throw wrong(group, `${names}: ${why}`, todo);
    }
  }
}

/** In which order members are asked for their heights: those that must not be newer first. Places in the list. */
export function askingOrder(profiles: readonly string[]): readonly number[] {
  const bonds = bondsOf(profiles);
  const rankOf = (place: number, depth = 0): number =>
    depth > profiles.length
      ? 0
      : Math.max(0, ...bonds.filter(({ older }) => older === place).map(({ newer }) => 1 + rankOf(newer, depth + 1)));
  return profiles.map((_, place) => place).sort((a, b) => rankOf(b) - rankOf(a));
}

/**
 * Whether members that were captured as one set can be restored together: by their heights in each channel that both
 * tell, else by when they were captured. Of several that may be newer the highest counts, as the others catch up from it.
 * @throws ColdkeepError `refused`.
 */
export function assertConsistent(
  name: string,
  members: readonly Pick<GroupMember, "node" | "profile" | "captured" | "heights">[],
  together: boolean,
): void {
  const bonds = bondsOf(members.map(({ profile }) => profile));
  for (const [place, member] of members.entries()) {
    const own = bonds.filter(({ older }) => older === place);
    const others = own.flatMap(({ newer }) => members[newer] ?? []);
    const [why] = own.map((bond) => bond.why);
    for (const [channel, height] of Object.entries(member.heights ?? {})) {
      const told = others.flatMap(({ heights }) => heights?.[channel] ?? []);
      const highest = Math.max(...told);
      if (told.length > 0 && highest < height) {
        const where = channel === "" ? "" : ` in channel ${channel}`;
        throw unfit(
          name,
          `${member.node} is at ${height}${where}, ${others.map(({ node }) => node).join(", ")} at ${highest}`,
          why,
        );
      }
    }
    // Down at the same time is the same moment, whichever was frozen first.
    if (together || member.heights !== undefined) continue;
    const late = others.find(({ captured }) => captured < member.captured);
    if (late !== undefined) throw unfit(name, `${member.node} was captured after ${late.node}`, why);
  }
}

function unfit(name: string, found: string, why: string | undefined): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "the nodes of this group do not fit together",
    on: name,
    why: `${found}${why === undefined ? "" : `: ${why}`}`,
    todo: "take another set of the group; one node alone is restored with --node",
  });
}

function wrong({ name }: GroupSettings, why: string, todo: string): ColdkeepError {
  return new ColdkeepError("config", {
    what: "this group cannot be captured one by one in its order",
    on: name,
    why,
    todo,
  });
}
