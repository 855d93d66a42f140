import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { featuresReference } from "./reference-page.ts";
import { signatures } from "./signatures.ts";

it("the page of operations names every one of them and is current", () => {
  const page = featuresReference();
  for (const { written } of Object.values(signatures)) expect(page).toContain(written);
  expect(readFileSync(new URL("../../docs/reference/features.md", import.meta.url), "utf8")).toBe(page);
});
