import { describe, expect, it } from "vitest";
import { displayWidth, renderFields, renderTable } from "./table.ts";

const plain = { paint: (_style: string, text: string) => text, width: () => Number.POSITIVE_INFINITY };

describe("a table", () => {
  const columns = [
    { title: "model", cell: (row: { name: string; rows: number | null }) => row.name, shrinks: true },
    { title: "rows", align: "right" as const, cell: (row: { rows: number | null }) => row.rows },
  ];

  it("aligns its columns under their titles", () => {
    const rows = [
      { name: "churn", rows: 7043 },
      { name: "median_house_value", rows: null },
    ];
    expect(renderTable(columns, rows, plain)).toBe(
      "model               rows\n" + "churn               7043\n" + "median_house_value     –\n",
    );
  });

  it("narrows what may shrink to the width of the terminal, and never cuts in a pipe", () => {
    const rows = [{ name: "a name that is much too long for this terminal", rows: 1 }];
    const narrow = renderTable(columns, rows, { ...plain, width: () => 30 });
    for (const line of narrow.trimEnd().split("\n")) expect(line.length).toBeLessThanOrEqual(30);
    expect(narrow).toContain("…");
    expect(renderTable(columns, rows, plain)).toContain(rows[0]!.name);
  });

  it("counts wide characters as two columns and styles as none", () => {
    expect(displayWidth("数据")).toBe(4);
    expect(displayWidth("🚀")).toBe(2);
    expect(displayWidth("\x1b[31mred\x1b[39m")).toBe(3);
    expect(displayWidth("é")).toBe(1);
  });

  it("lets no value command the terminal", () => {
    const hostile = "a\x1b]0;title\x07b\x1b[2Jc\nd\u202ee";
    const text =
      renderTable(columns, [{ name: hostile, rows: 1 }], plain) + renderFields([["x", hostile]], plain);
    expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}|\p{Cf}/u);
    expect(text.split("\n")).toHaveLength(4);
  });
});
