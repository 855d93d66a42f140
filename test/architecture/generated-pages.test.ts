import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const scripts = fileURLToPath(new URL("../../scripts/", import.meta.url));

describe("generated pages are current", () => {
  for (const script of readdirSync(scripts).filter((name) => name.startsWith("generate-"))) {
    it(script, () => {
      const { status, stderr } = spawnSync(process.execPath, [`${scripts}${script}`, "--check"], {
        encoding: "utf8",
      });
      expect(stderr).toBe("");
      expect(status).toBe(0);
    });
  }
});
