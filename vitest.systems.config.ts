import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Worker threads and command lines load the sources themselves, by the hundred: stripped of types and compiled once.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL("node_modules/.cache/compiled", import.meta.url));

/** The heavy half: real file systems, real kills, packaged installs. One file after the other, as they share disks. */
export default defineConfig({
  test: {
    include: ["test/systems/**/*.test.ts"],
    exclude: ["node_modules/**"],
    reporters: ["default", "./test/support/tally.ts"],
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
