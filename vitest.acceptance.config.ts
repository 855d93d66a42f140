import { defineConfig } from "vitest/config";

/** The product from outside: real processes, kills, whole commands. Slower than the unit suite. */
export default defineConfig({
  test: {
    include: ["test/acceptance/**/*.test.ts"],
    environment: "node",
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
  resolve: { conditions: ["slipway-source"] },
});
