import { fromSystemError } from "../../../posix/system-error.ts";
import { ColdkeepError, systemCode } from "../../names/index.ts";

/** Causes that pass by themselves: a server that reboots, a table that is full for the moment. */
const PASSING = new Set(["ESTALE", "ETIMEDOUT", "EAGAIN", "EBUSY", "EMFILE", "ENFILE", "EHOSTDOWN", "EHOSTUNREACH"]);

/** A system error met while working on the vault: `no-space`, `permission`, else `vault`. */
export function vaultError(error: unknown, what: string, on: string): ColdkeepError {
  const mapped = fromSystemError(error, { what, on, otherwise: "vault" });
  if (mapped === error || mapped.kind !== "vault" || !PASSING.has(systemCode(error) ?? "")) return mapped;
  const { why, cause } = mapped;
  return new ColdkeepError("vault", { what, on, ...(why === undefined ? {} : { why }), cause, retryable: true });
}
