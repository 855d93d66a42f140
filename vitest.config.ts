import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: [
      "src/**/*.test.ts",
      "test/architecture/**/*.test.ts",
      "test/contract/**/*.test.ts",
      "test/golden/**/*.test.ts",
    ],
    environment: "node",
    pool: "forks",
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
  resolve: { conditions: ["slipway-source"] },
});
