import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { channelColumns } from "./job-layout.ts";
import { csvOf } from "./matrix-csv.ts";

describe("a channel as CSV", () => {
  it("reads back as the same doubles", () => {
    const doubles = fc.array(fc.tuple(fc.double(), fc.double({ noNaN: true })), {
      minLength: 1,
      maxLength: 50,
    });
    fc.assert(
      fc.property(doubles, (rows) => {
        const columns = [{ name: "x", kind: "numeric", cardinality: 0 }] as const;
        const values = [Float64Array.from(rows, ([x]) => x + 0)];
        const set = {
          matrix: { rowCount: rows.length, columns, values },
          target: Float64Array.from(rows, ([, y]) => y + 0),
        };
        const [header, ...lines] = [...csvOf(set, channelColumns(columns, false))]
          .join("")
          .trimEnd()
          .split("\n");
        expect(header).toBe("x,target");
        for (const [row, line] of lines.entries()) {
          const [x, y] = line.split(",");
          expect(x === "" ? Number.NaN : Number(x)).toBe(values[0]![row]);
          expect(Number(y)).toBe(set.target[row]);
        }
        expect(lines.length).toBe(rows.length);
      }),
    );
  });

  it("has a column of weights where rows have weights", () => {
    const columns = [{ name: "x", kind: "categorical", cardinality: 3 }] as const;
    const set = {
      matrix: { rowCount: 2, columns, values: [Float64Array.of(2, Number.NaN)] },
      target: Float64Array.of(1, 0),
      weights: Float64Array.of(0.5, 2),
    };
    expect([...csvOf(set, channelColumns(columns, true))].join("")).toBe("x,target,weight\n2,1,0.5\n,0,2\n");
  });
});
