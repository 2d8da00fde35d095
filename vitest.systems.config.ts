import { defineConfig } from "vitest/config";

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
