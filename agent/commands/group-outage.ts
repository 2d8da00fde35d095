/** A member's part of an outage, as its last runs had it. Milliseconds. */
export interface MemberOutage {
  /** Its own stop and start. */
  readonly ownMs: number;
  /** What coldkeep adds. */
  readonly freezeMs: number;
}

/**
 * How long each member of a group is down, in the order of the stops, and the longest of them; milliseconds, null where not known.
 * Together: who stops first is down while all after it stop and start, and all wait for the slowest freeze. One by one: each
 * by itself. A member that coldkeep does not stop (`"up"`) is not down, and the others wait for nothing of it but its freeze.
 */
export function foreseeOutage(
  members: readonly (MemberOutage | "up" | null)[],
  together: boolean,
): { readonly members: readonly (number | null)[]; readonly longestMs: number | null } {
  const slowest = most(members.map((member) => (member === "up" ? 0 : (member?.freezeMs ?? null))));
  const each = members.map((member, place) => {
    if (member === "up") return 0;
    if (!together) return member === null ? null : Math.round(member.ownMs + member.freezeMs);
    const own = members.slice(place).map((other) => (other === "up" ? 0 : (other?.ownMs ?? null)));
    const sum = own.reduce((total, ms) => (total === null || ms === null ? null : total + ms), 0);
    return sum === null || slowest === null ? null : Math.round(sum + slowest);
  });
  return { members: each, longestMs: most(each) };
}

/** Null where one of them is not known: it may be the longest. */
function most(all: readonly (number | null)[]): number | null {
  return all.reduce((longest, ms) => (longest === null || ms === null ? null : Math.max(longest, ms)), 0);
}
