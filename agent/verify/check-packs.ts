import { makeTaskStream, type OpenedSnapshot, type PackTable } from "../open/index.ts";
import type { Damages } from "./damage.ts";

/** Requests at once; they carry no data. */
const AT_ONCE = 16;

/** Asks for every pack in use whether it is there and has its size. Returns the names of those that are missing. */
export async function checkPacks(
  { store }: OpenedSnapshot,
  packs: PackTable,
  damages: Damages,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const missing = new Set<string>();
  const stream = makeTaskStream(AT_ONCE, signal);
  for (const { object, size } of packs.rows) {
    await stream.push(1, async () => {
      const info = await store.head(object);
      if (info === null) {
        missing.add(object);
        damages.add(object, "the pack is missing from the vault");
      } else if (info.size !== size) {
        const kind = info.size < size ? "truncated" : "longer than recorded";
        damages.add(object, `${kind}: it has ${info.size} bytes, the manifest says ${size}`);
      }
    });
  }
  await stream.end();
  return missing;
}
