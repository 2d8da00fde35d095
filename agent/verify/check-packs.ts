import { makeTaskStream, type OpenedSnapshot, type PackTable } from "../open/index.ts";
import type { Damages } from "./damage.ts";

/** Requests at once; they carry no data. */
const AT_ONCE = 16;

/**
 * Asks for every pack in use whether it is there and has its size. Returns how many bytes there are of those that lack
 * some: 0 where a pack is missing.
 */
export async function checkPacks(
  { store }: OpenedSnapshot,
  packs: PackTable,
  damages: Damages,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const short = new Map<string, number>();
  const stream = makeTaskStream(AT_ONCE, signal);
  for (const { object, size } of packs.rows) {
    await stream.push(1, async () => {
      const info = await store.head(object);
      if (info === null) {
        short.set(object, 0);
        damages.add(object, "the pack is missing from the vault");
      } else if (info.size !== size) {
        if (info.size < size) short.set(object, info.size);
        const kind = info.size < size ? "truncated" : "longer than recorded";
        damages.add(object, `${kind}: it has ${info.size} bytes, the manifest says ${size}`);
      }
    });
  }
  await stream.end();
  return short;
}
