import { getCompileCacheDir } from "node:module";
import { dirname } from "node:path";

/**
 * The environment for a thread that shares this one's cache of compiled code, where this one has any: by itself Node gives
 * threads none, and each compiles all that it loads.
 */
export function threadEnv(): NodeJS.ProcessEnv {
  const folder = getCompileCacheDir();
  // The folder in use is that of one version of Node and its flags, in the one that was asked for.
  return folder === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(folder) };
}
