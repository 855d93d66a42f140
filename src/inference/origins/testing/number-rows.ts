export type Rows = readonly (readonly number[])[];

/** Numbers separated by blanks, tabs or commas, one row a line; empty cells are NaN. */
export function numbersIn(text: string): Rows {
  return linesOf(text).map((line) =>
    line.split(/[\t, ]/).map((cell) => (cell === "" ? Number.NaN : Number(cell))),
  );
}

/** Rows of `label index:value …`. */
export function libsvm(text: string, { width, absent }: { width: number; absent: number }): Rows {
  return linesOf(text).map((line) => {
    const row = new Array<number>(width).fill(absent);
    for (const pair of line.split(/\s+/).slice(1)) {
      const [index = "", value = ""] = pair.split(":");
      row[Number(index)] = Number(value);
    }
    return row;
  });
}

function linesOf(text: string): string[] {
  return text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trimEnd()]));
}
