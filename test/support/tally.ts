import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import type { Reporter, TestModule } from "vitest/node";

/** What one test run came to; a file that failed before its tests could run counts as one failed test. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Counts a finished run and names what was skipped, as `file > suite > test`.
 * A file that could not be imported, a suite whose hook threw and an error outside any test have no failed test to
 * show for it: each counts as one failure, so that no run that went wrong can end in "0 failed".
 */
export function countRun(
  modules: readonly TestModule[],
  unhandled: number,
): Tally & { readonly skippedNames: readonly string[] } {
  let passed = 0;
  let failed = unhandled;
  const skippedNames: string[] = [];
  for (const module of modules) {
    let failedHere = module.errors().length;
    for (const suite of module.children.allSuites()) failedHere += suite.errors().length;
    for (const test of module.children.allTests()) {
      const state = test.result().state;
      if (state === "passed") passed += 1;
      else if (state === "failed") failedHere += 1;
      else skippedNames.push(`${relative(process.cwd(), module.moduleId)} > ${test.fullName}`);
    }
    if (failedHere === 0 && module.state() === "failed") failedHere = 1;
    failed += failedHere;
  }
  return { passed, failed, skipped: skippedNames.length, skippedNames };
}

/**
 * Prints `N passed, N failed, N skipped` as the last line of a run. Where COLDKEEP_TALLY names a file, the same figures
 * and the names of the skipped tests are written there as JSON, for `.ci/run` to add up.
 */
export default class TallyReporter implements Reporter {
  #line = "";

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const { passed, failed, skipped, skippedNames } = countRun(modules, errors.length);
    this.#line = `${passed} passed, ${failed} failed, ${skipped} skipped`;
    const file = process.env.COLDKEEP_TALLY;
    if (file !== undefined && file !== "") {
      writeFileSync(file, `${JSON.stringify({ passed, failed, skipped, skippedNames })}\n`);
    }
    // The default reporter ends with figures of its own; ours must come after them.
    process.once("exit", () => process.stdout.write(`${this.#line}\n`));
  }
}
