import { systemClock } from "../../posix/clock.ts";
import { VERSION } from "../../vault/names/index.ts";
import type { Deleter, Store } from "../../vault/store/facets.ts";
import { retrying } from "../../vault/store/retrying.ts";
import { openS3Store } from "../../vault/store/s3/index.ts";
import { COMMON_ENV } from "./contract.ts";
import { requireEnv } from "./env.ts";

/**
 * The vault a function works on, patient with what may pass. Which of its facets the function may use its role decides.
 * A function has less time than a host: a call that does not get through in 20 s is left to the next event.
 */
export function openVault(env: NodeJS.ProcessEnv): Store & Deleter {
  const endpoint = env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL;
  const store = openS3Store(requireEnv(env, COMMON_ENV.vault), {
    version: VERSION,
    now: systemClock.now,
    env,
    s3: {
      ...(endpoint === undefined || endpoint === "" ? {} : { endpoint }),
      ...(env[COMMON_ENV.pathStyle] === "true" ? { pathStyle: true } : {}),
    },
  });
  const patient = retrying(store, { clock: systemClock, budget: { totalMs: 20_000 } });
  return { ...patient, delete: (plan) => store.delete(plan) };
}
