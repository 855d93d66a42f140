import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: [
      "src/**/*.test.ts",
      "test/architecture/**/*.test.ts",
      "test/contract/**/*.test.ts",
      "test/golden/**/*.test.ts",
      "bench/**/*.test.ts",
    ],
    environment: "node",
    pool: "forks",
    // What a file imports is loaded once for a worker, which takes half the time: a test leaves nothing behind in a module.
    isolate: false,
    // Two at a time also on two cores, where the default is one.
    maxWorkers: 2,
    // Nothing here takes more than two seconds on a quiet machine; a busy one must not make a test fail.
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
  resolve: { conditions: ["slipway-source"] },
});
