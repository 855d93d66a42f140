import { defineConfig } from "vitest/config";

/** The examples that need more than this repository: Python and its packages, installed into a scratch folder. */
export default defineConfig({
  test: {
    include: ["test/examples/**/*.test.ts"],
    environment: "node",
    pool: "forks",
    fileParallelism: false,
    testTimeout: 900_000,
    hookTimeout: 900_000,
  },
  resolve: { conditions: ["slipway-source"] },
});
