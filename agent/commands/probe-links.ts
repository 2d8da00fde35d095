import { constants, copyFileSync, linkSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../vault/names/index.ts";

export interface LinkAbilities {
  readonly link: boolean;
  readonly reflink: boolean;
  /** Why nothing could be tried; null where it could. */
  readonly error: string | null;
}

/** Tries in a folder of its own, gone afterwards, what a freeze would do in `folder`. */
export function probeLinks(folder: string): LinkAbilities {
  let probe: string;
  try {
    probe = mkdtempSync(join(folder, ".coldkeep-probe-"));
  } catch (error) {
    return { link: false, reflink: false, error: messageOf(error) };
  }
  try {
    const file = join(probe, "file");
    writeFileSync(file, "coldkeep");
    const link = works(() => linkSync(file, join(probe, "link")));
    const reflink = works(() => copyFileSync(file, join(probe, "clone"), constants.COPYFILE_FICLONE_FORCE));
    return { link, reflink, error: null };
  } catch (error) {
    return { link: false, reflink: false, error: messageOf(error) };
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}

function works(call: () => void): boolean {
  try {
    call();
    return true;
  } catch {
    return false;
  }
}
