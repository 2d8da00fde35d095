import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { tempDir } from "../support/tmp.ts";

const THREAD_ENV = fileURLToPath(new URL("../../posix/thread-env.ts", import.meta.url));

/** What a thread tells of its cache of compiled code where the main thread's is `of`. */
function told(of: string | null): string {
  const file = join(tempDir(), "main.mts");
  writeFileSync(
    file,
    `import { enableCompileCache } from "node:module";
     import { Worker } from "node:worker_threads";
     import { threadEnv } from ${JSON.stringify(THREAD_ENV)};
     ${of === null ? "" : `enableCompileCache(${JSON.stringify(of)});`}
     const tell = "console.log(String(require('node:module').getCompileCacheDir()))";
     new Worker(tell, { eval: true, env: threadEnv() });`,
  );
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  return execFileSync(process.execPath, [file], { encoding: "utf8", env }).trim();
}

it("has threads use the cache of compiled code that the main thread uses, and none where it has none", () => {
  const folder = tempDir();
  expect(told(folder).startsWith(`${folder}/`)).toBe(true);
  expect(told(null)).toBe("undefined");
});
