import { isColdkeepError } from "../../vault/names/index.ts";
import type { RestoreOptions } from "../restore/index.ts";
import type { Call } from "./define.ts";

/** Of a look before a restore in place: whether it would be refused as things are, since the node runs or something uses its files. */
export async function warnWhereRefused(options: Pick<RestoreOptions, "assertStopped">, call: Call): Promise<void> {
  try {
    await options.assertStopped();
  } catch (error) {
    if (!isColdkeepError(error)) throw error;
    call.progress.warn(`as things are it would be refused: ${error.message}`);
  }
}
