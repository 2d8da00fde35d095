import { ColdkeepError, type NodeName, type SnapshotId } from "../../names/index.ts";
import type { ArchiveSpeed, ArchiveSum } from "../archive.ts";
import type { PresenterApi } from "./api.ts";

const MAX_PAGE = 4 << 20;
const MAX_PAGES = 20_000;
const SPEEDS: readonly unknown[] = ["bulk", "standard", "expedited"] satisfies ArchiveSpeed[];

/** What of a snapshot lies in an archive, as the presenter tells page by page; with `bring` it is to have it brought back. */
export async function archivedIn(
  api: PresenterApi,
  node: NodeName,
  snapshot: SnapshotId,
  bring: boolean,
): Promise<ArchiveSum> {
  const path = `nodes/${node}/snapshots/${snapshot}/plan`;
  const classes = new Set<string>();
  let sum = { objects: 0, bytes: 0, coming: 0 };
  let speed: ArchiveSpeed | undefined;
  let next: unknown;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const query = [...(next === undefined ? [] : [`page=${String(next)}`]), ...(bring ? ["bring=yes"] : [])].join("&");
    const bytes = await api.get(query === "" ? path : `${path}?${query}`, MAX_PAGE);
    if (bytes === null)
      throw new ColdkeepError("not-found", { what: "the presenter has no such snapshot", on: snapshot });
    const answer = JSON.parse(bytes.toString("utf8")) as Readonly<Record<string, unknown>>;
    const found = (answer.archived ?? {}) as Readonly<Record<string, unknown>>;
    sum = {
      objects: sum.objects + count(found.objects),
      bytes: sum.bytes + count(found.bytes),
      coming: sum.coming + count(found.coming),
    };
    if (Array.isArray(found.classes))
      for (const one of found.classes.slice(0, 8)) classes.add(String(one).slice(0, 32));
    if (SPEEDS.includes(found.speed)) speed = found.speed as ArchiveSpeed;
    next = answer.next;
    if (typeof next !== "string" || !/^[0-9a-f]{16}\.\d{1,9}$/.test(next)) break;
  }
  return { ...sum, classes: [...classes].sort(), ...(speed === undefined ? {} : { speed }) };
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
