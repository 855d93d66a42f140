import { describe, expect, it } from "vitest";
import { commandName } from "./command-name.ts";

describe("commandName", () => {
  it("is what the user typed", () => {
    expect(commandName({})).toBe("slipway");
    expect(commandName({ npm_command: "exec" })).toBe("npx slipway");
    expect(commandName({ npm_command: "run-script" })).toBe("slipway");
  });
});
