import { wireErrors } from "./errors.ts";

/** A field of a line. */
export interface CsvField {
  readonly text: string;
  readonly isQuoted: boolean;
}

export interface CsvRow {
  /** Where it begins, counted from 1. */
  readonly line: number;
  readonly fields: readonly CsvField[];
}

const BYTE_ORDER_MARK = "\ufeff";

/**
 * The rows of comma-separated values after RFC 4180: lines end with LF or CRLF, a quoted field may hold commas, line ends and
 * doubled quotes. Empty lines are skipped.
 *
 * @throws WIRE_BAD_CSV naming the line
 */
export function parseCsv(text: string): CsvRow[] {
  const rows: CsvRow[] = [];
  let fields: CsvField[] = [];
  let line = 1;
  let rowLine = 1;
  let at = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
  const endRow = (): void => {
    const isEmpty = fields.length === 1 && fields[0]!.text === "" && !fields[0]!.isQuoted;
    if (!isEmpty) rows.push({ line: rowLine, fields });
    fields = [];
    line++;
    rowLine = line;
  };
  while (at < text.length) {
    if (text[at] === '"') {
      const quoted = quotedField(text, at, line);
      fields.push({ text: quoted.text, isQuoted: true });
      line += quoted.lineEnds;
      at = quoted.end;
    } else {
      const end = endOfPlainField(text, at);
      const plain = text.slice(at, end);
      if (plain.includes('"')) throw badCsv(line, "has a quote inside a field that does not begin with one");
      fields.push({ text: plain, isQuoted: false });
      at = end;
    }
    if (text.startsWith("\r\n", at)) {
      endRow();
      at += 2;
    } else if (text[at] === "\n") {
      endRow();
      at++;
    } else if (text[at] === ",") {
      at++;
      if (at === text.length) fields.push({ text: "", isQuoted: false });
    } else if (at < text.length) throw badCsv(line, "goes on behind the end of a quoted field");
  }
  if (fields.length > 0) endRow();
  return rows;
}

function endOfPlainField(text: string, start: number): number {
  let end = start;
  while (end < text.length) {
    const char = text[end];
    if (char === "," || char === "\n" || (char === "\r" && text[end + 1] === "\n")) break;
    end++;
  }
  return end;
}

function quotedField(
  text: string,
  start: number,
  line: number,
): { readonly text: string; readonly end: number; readonly lineEnds: number } {
  let content = "";
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote === -1) throw badCsv(line, "begins a quoted field that does not end");
    content += text.slice(from, quote);
    if (text[quote + 1] !== '"')
      return { text: content, end: quote + 1, lineEnds: content.split("\n").length - 1 };
    content += '"';
    from = quote + 2;
  }
}

/** @param column name of the field that is wrong, when it is one */
export function badCsv(line: number, problem: string, column?: string): Error {
  const where = column === undefined ? "" : `, column "${column.slice(0, 200)}"`;
  return wireErrors.WIRE_BAD_CSV.error(`line ${line}${where}: ${problem}`, {
    details: { line, ...(column === undefined ? {} : { column: column.slice(0, 200) }) },
  });
}
