import { systemClock } from "../../posix/clock.ts";
import { VERSION } from "../../vault/names/index.ts";
import type { Deleter, Store } from "../../vault/store/facets.ts";
import { retrying } from "../../vault/store/retrying.ts";
import { openS3Store } from "../../vault/store/s3/index.ts";
import { COMMON_ENV } from "./contract.ts";
import { requireEnv } from "./env.ts";

/** Where a function's vault is, and how S3 is spoken to there. */
export function vaultPlace(env: NodeJS.ProcessEnv) {
  const endpoint = env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL;
  const options = {
    version: VERSION,
    now: systemClock.now,
    env,
    s3: {
      ...(endpoint === undefined || endpoint === "" ? {} : { endpoint }),
      ...(env[COMMON_ENV.pathStyle] === "true" ? { pathStyle: true } : {}),
    },
  };
  return { url: requireEnv(env, COMMON_ENV.vault), options };
}

/**
 * The vault a function works on, patient with what may pass. Which of its facets the function may use its role decides.
 * A function has less time than a host: a call that does not get through in time is left to the next event.
 * @param totalMs how long a call is repeated, milliseconds
 */
export function openVault(env: NodeJS.ProcessEnv, totalMs = 20_000): Store & Deleter {
  const { url, options } = vaultPlace(env);
  const store = openS3Store(url, options);
  const patient = retrying(store, { clock: systemClock, budget: { totalMs } });
  return { ...patient, delete: (plan) => store.delete(plan) };
}
