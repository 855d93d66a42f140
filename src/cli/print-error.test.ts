import { describe, expect, it } from "vitest";
import { defineErrors } from "../kernel/index.ts";
import { exitCodeOf } from "./exit-codes.ts";
import { printError } from "./print-error.ts";

const errors = defineErrors({
  TEST_CELL: { kind: "invalid", doc: "…" },
  TEST_BUSY: { kind: "unavailable", doc: "…" },
});

function printed(error: unknown, debug = false): string {
  let text = "";
  const write = (part: string) => {
    text += part;
  };
  const err = { write, paint: (_style: string, part: string) => part, live: false, width: () => 80 };
  printError(error, { err, debug });
  return text;
}

describe("an error", () => {
  it("is printed as code, message, where and hint", () => {
    const error = errors.TEST_CELL.error('"abc" is not a number', {
      details: { file: "a.csv", line: 3, column: "age" },
      hint: "correct the cell",
    });
    expect(printed(error)).toBe(
      'error TEST_CELL\n  "abc" is not a number\n  at file a.csv, line 3, column age\n  hint correct the cell\n',
    );
    expect(exitCodeOf(error)).toBe(2);
  });

  it("does not say twice where it happened", () => {
    const error = errors.TEST_CELL.error('a.csv, line 3: "abc" is not a number', {
      details: { file: "a.csv", line: 3 },
    });
    expect(printed(error)).not.toContain("  at ");
  });

  it("shows its stack and causes only when asked", () => {
    const error = errors.TEST_BUSY.error("busy", { cause: new Error("the reason") });
    expect(printed(error)).not.toMatch(/ {4}at |the reason/);
    expect(printed(error, true)).toMatch(/ {4}at [\s\S]*caused by Error: the reason/);
    expect(exitCodeOf(error)).toBe(1);
  });

  it("that nobody foresaw is called a defect", () => {
    expect(printed(new TypeError("x is not a function"))).toMatch(/UNEXPECTED[\s\S]*defect[\s\S]*--debug/);
  });

  it("carries no control characters to the terminal", () => {
    expect(printed(errors.TEST_CELL.error("bad \x1b[2J value"))).not.toContain("\x1b");
  });
});
