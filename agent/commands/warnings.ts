import type { Report } from "../report/index.ts";

/** What a kept progress was warned of, for the document of --json. */
export function warningsOf(progress: Report): readonly unknown[] {
  return "warnings" in progress && Array.isArray(progress.warnings) ? progress.warnings : [];
}
