import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Worker threads and command lines load the sources themselves, by the hundred: stripped of types and compiled once.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL("node_modules/.cache/compiled", import.meta.url));

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/systems/**", "node_modules/**"],
    globalSetup: ["./test/e2e/emulator/global-setup.ts"],
    // Vitest leaves one core free; on two that would be half of them, though much of a test's time goes to what it started.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: ["default", "./test/support/tally.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
