import type { Standing } from "./standing.ts";

/** A member that needs help, and why. */
export interface Ailing {
  readonly member: string;
  readonly why: string;
}

export interface Verdict {
  /** `alive`: a leader is known; `lost`: there are members and none knows one; `standalone`; `down`: nobody answers. */
  readonly quorum: "alive" | "lost" | "standalone" | "down";
  /** The member that leads, where it is one of those that were asked. */
  readonly leader: string | null;
  readonly ailing: readonly Ailing[];
}

/** What the members' answers come to. */
export function judge(standings: readonly Standing[]): Verdict {
  const serving = standings.flatMap(({ serving }) => (serving === null ? [] : [serving]));
  const leader = standings.find(({ serving }) => serving?.role === "leader")?.member ?? null;
  const quorum =
    serving.length === 0
      ? "down"
      : serving.some(({ status }) => status === "standalone")
        ? "standalone"
        : leader !== null ||
            serving.some(({ connected, leader }) => connected && leader !== "unknown" && leader !== null)
          ? "alive"
          : "lost";
  const ailing = standings.flatMap((standing) => {
    const why = whyAiling(standing);
    return why === null ? [] : [{ member: standing.member, why }];
  });
  return { quorum, leader, ailing };
}

/** The log of its servers is believed only where they do not run, or the file bears it out: it may tell of long ago. */
function whyAiling({ serving, stored, recordError, unreachable }: Standing): string | null {
  if (unreachable !== null) return unreachable;
  if (stored?.damage != null) return recordError ?? stored.damage;
  if (stored === null) return "it has no file";
  if (serving === null) return recordError === null ? "no server answers" : `no server answers: ${recordError}`;
  if (serving.status !== "cluster member" && serving.status !== "standalone") return serving.status;
  return null;
}
