import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/systems/**", "node_modules/**"],
    globalSetup: ["./test/e2e/emulator/global-setup.ts"],
    reporters: ["default", "./test/support/tally.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
