import { stripVTControlCharacters } from "node:util";
import { type Output, printable, type Style } from "./terminal.ts";

/** A cell is a text, or a text in a style. `undefined` and `null` print as a dash. */
export type Cell = string | number | null | undefined | { readonly text: string; readonly style: Style };

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Cell;
  readonly align?: "left" | "right";
  /** Narrowed first when the table is wider than the terminal. */
  readonly shrinks?: boolean;
}

const GAP = "  ";
const NOTHING = "–";
const NARROWEST = 8;

/** Rows as lines of aligned columns under a line of titles. */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { paint, width }: Pick<Output, "paint" | "width">,
): string {
  const cells = rows.map((row) =>
    // A column without a title is for remarks, which most rows do not have.
    columns.map((column) => (column.title === "" ? remark(column.cell(row)) : plain(column.cell(row)))),
  );
  const widths = columns.map((column, index) =>
    Math.max(displayWidth(column.title), ...cells.map((line) => displayWidth(line[index]!.text))),
  );
  shrink(columns, widths, width());
  const line = (texts: readonly { text: string; style?: Style }[]): string =>
    texts
      .map(({ text, style }, index) => {
        const last = index === columns.length - 1;
        const padded = pad(truncate(text, widths[index]!), {
          width: widths[index]!,
          align: columns[index]!.align ?? "left",
          trailing: !last,
        });
        return style === undefined ? padded : paint(style, padded);
      })
      .join(GAP)
      .trimEnd();
  const head = line(columns.map(({ title }) => ({ text: title, style: "dim" as const })));
  return `${[head, ...cells.map(line)].join("\n")}\n`;
}

/** `name   value` lines, the names in one column. */
export function renderFields(
  fields: readonly (readonly [string, Cell])[],
  { paint }: Pick<Output, "paint">,
): string {
  const widest = Math.max(0, ...fields.map(([name]) => displayWidth(name)));
  return fields
    .map(([name, cell]) => {
      const { text, style } = plain(cell);
      const title = paint("dim", pad(name, { width: widest, align: "left", trailing: true }));
      return `  ${title}  ${style === undefined ? text : paint(style, text)}\n`;
    })
    .join("");
}

function plain(cell: Cell): { text: string; style?: Style } {
  if (cell === null || cell === undefined || cell === "") return { text: NOTHING, style: "dim" };
  if (typeof cell === "object")
    return cell.text === "" ? plain("") : { text: printable(cell.text), style: cell.style };
  return { text: printable(String(cell)) };
}

function remark(cell: Cell): { text: string; style?: Style } {
  const { text, style } = plain(cell);
  return text === NOTHING ? { text: "" } : { text, style: style ?? "dim" };
}

function shrink(columns: readonly Column<never>[], widths: number[], available: number): void {
  let excess = widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1) - available;
  for (const [index, column] of columns.entries()) {
    if (excess <= 0) return;
    if (!column.shrinks) continue;
    const narrowed = Math.max(NARROWEST, widths[index]! - excess);
    excess -= widths[index]! - narrowed;
    widths[index] = narrowed;
  }
}

function pad(
  text: string,
  {
    width,
    align,
    trailing,
  }: { readonly width: number; readonly align: "left" | "right"; readonly trailing: boolean },
): string {
  const fill = " ".repeat(Math.max(0, width - displayWidth(text)));
  if (align === "right") return fill + text;
  return trailing ? text + fill : text;
}

function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = "";
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (displayWidth(kept + segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** Columns a text takes: East Asian wide characters and emoji take two. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(stripVTControlCharacters(text))) {
    width +=
      /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
        segment,
      )
        ? 2
        : 1;
  }
  return width;
}
