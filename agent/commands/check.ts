import { ColdkeepError, type ErrorKind, isColdkeepError, messageOf } from "../../vault/names/index.ts";
import type { Styles } from "../report/index.ts";

/** One thing the doctor looked at. */
export interface Check {
  readonly name: string;
  /** `note`: as it should be for now, and worth knowing. */
  readonly status: "ok" | "note" | "warn" | "fail";
  /** What was found. */
  readonly found: string;
  /** What to do about it. */
  readonly todo?: string;
  /** For `fail`: the kind that decides the exit code. */
  readonly kind?: ErrorKind;
}

export function ok(name: string, found: string): Check {
  return { name, status: "ok", found };
}

export function note(name: string, found: string, todo: string): Check {
  return { name, status: "note", found, todo };
}

export function warn(name: string, found: string, todo: string): Check {
  return { name, status: "warn", found, todo };
}

export function fail(name: string, kind: ErrorKind, found: string, todo: string): Check {
  return { name, status: "fail", found, todo, kind };
}

/** Runs a check; what it throws is a failure with the error's own words. */
export async function attempt(name: string, look: () => Promise<Check | readonly Check[]>): Promise<readonly Check[]> {
  try {
    const found = await look();
    return "name" in found ? [found] : found;
  } catch (error) {
    if (!isColdkeepError(error)) return [{ name, status: "fail", kind: "internal", found: messageOf(error) }];
    const { what, on, why, todo, kind } = error;
    const words = [what, on, why].filter((part) => part !== undefined).join(": ");
    return [{ name, status: "fail", kind, found: words, ...(todo === undefined ? {} : { todo }) }];
  }
}

/** The checks as people read them, and the error that stands for the first failure. */
export function checksText(checks: readonly Check[], styles: Styles): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const marks = { ok: styles.good("ok  "), note: "note", warn: styles.warn("WARN"), fail: styles.bad("FAIL") };
  return checks
    .flatMap(({ name, status, found, todo }) => [
      `${marks[status]}  ${name.padEnd(width)}  ${found.replaceAll("\n", `\n${" ".repeat(width + 8)}`)}`,
      ...(todo === undefined ? [] : [`${" ".repeat(width + 8)}→ ${todo}`]),
    ])
    .join("\n");
}

export function firstFailure(checks: readonly Check[]): ColdkeepError | null {
  const failed = checks.filter(({ status }) => status === "fail");
  const [first] = failed;
  if (first === undefined) return null;
  const others = failed.length === 1 ? "" : `, and ${failed.length - 1} more`;
  return new ColdkeepError(first.kind ?? "internal", {
    what: "not everything is in place for backups",
    on: `${failed.map(({ name }) => name)[0]}${others}`,
    todo: "see the lines marked FAIL",
  });
}
