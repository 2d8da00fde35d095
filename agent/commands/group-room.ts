import { ColdkeepError } from "../../vault/names/index.ts";
import type { PreparedFreeze, Room } from "../freeze/index.ts";

/** Copies of all members lie there until the last one is stored: what they take on one file system adds up. */
export function roomsOfAll(each: readonly (readonly Room[])[]): readonly Room[] {
  return [...Map.groupBy(each.flat(), ({ dev }) => dev).values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const sum = (of: (room: Room) => number) => same.reduce((total, room) => total + of(room), 0);
    return [{ ...first, toCopy: sum(({ toCopy }) => toCopy), needed: sum(({ needed }) => needed) }];
  });
}

/**
 * All are prepared and none was stopped yet: each fits by itself, which says nothing of all together.
 * @throws ColdkeepError `no-space`.
 */
export function assertRoomForAll(group: string, members: readonly Pick<PreparedFreeze, "rooms">[]): void {
  const short = roomsOfAll(members.map((member) => member.rooms())).find(({ needed, free }) => needed > free);
  if (short === undefined) return;
  throw new ColdkeepError("no-space", {
    what: "the files of the group's nodes that must be copied while they are down do not fit together",
    on: `${group}, ${short.folder}`,
    why: `${short.needed} bytes are needed for copies of all, with margins, and ${short.free} are free; no node was stopped`,
    todo: "free some space there; name files that never change as immutable; or let the nodes' freeze_dir lie on several disks",
  });
}
