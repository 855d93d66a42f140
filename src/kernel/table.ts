/**
 * Rows as columns: what datasets hand to features and evaluation.
 *
 * The types a dataset's column may have. `category` and `text` are both stored as strings; the difference is what
 * the feature language offers on them. `image` is stored as a string too: the digest of the image's bytes. `int` is a
 * 64-bit integer, `timestamp` is UTC with microseconds.
 */
export type ColumnType = "int" | "float" | "bool" | "timestamp" | "category" | "text" | "image";

/** `int`, `float`, `bool` (0 or 1) and `timestamp` (epoch milliseconds, fractions allowed). NaN is missing; −0 does not occur. */
export interface NumberColumn {
  readonly kind: "number";
  readonly values: Float64Array;
}

/** `category`, `text` and `image`, dictionary-encoded. Code −1 is missing. A dictionary has no duplicates and may hold unused entries. */
export interface StringColumn {
  readonly kind: "string";
  readonly codes: Int32Array;
  readonly dictionary: readonly string[];
}

export type TableColumn = NumberColumn | StringColumn;

/** Whether values of a type are strings in a table. */
export function isStringType(type: ColumnType): type is "category" | "text" | "image" {
  return type === "category" || type === "text" || type === "image";
}

/** Columns of equal length. */
export interface Table {
  readonly rowCount: number;
  readonly columns: ReadonlyMap<string, TableColumn>;
}

/**
 * One column of a model's input. A `categorical` column holds integer codes in [0, cardinality); NaN is missing
 * (which includes categories not seen when the plan was fitted).
 */
export interface FeatureColumn {
  readonly name: string;
  readonly kind: "numeric" | "categorical";
  /** Number of codes of a categorical column; 0 for numeric ones. */
  readonly cardinality: number;
}

/** What a feature plan makes of a table: one Float64Array of `rowCount` values per column; NaN is missing. */
export interface FeatureMatrix {
  readonly rowCount: number;
  readonly columns: readonly FeatureColumn[];
  readonly values: readonly Float64Array[];
}

/** The rows of `table` whose numbers stand in `rows`, in that order. Dictionaries are shared, not copied. */
export function selectRows(table: Table, rows: Int32Array | Uint32Array): Table {
  const columns = new Map<string, TableColumn>();
  for (const [name, column] of table.columns) {
    columns.set(
      name,
      column.kind === "number"
        ? { kind: "number", values: gatherFloats(column.values, rows) }
        : { kind: "string", codes: gatherCodes(column.codes, rows), dictionary: column.dictionary },
    );
  }
  return { rowCount: rows.length, columns };
}

/** `values[rows[0]], values[rows[1]], …` */
export function gatherFloats(values: Float64Array, rows: Int32Array | Uint32Array): Float64Array {
  const gathered = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) gathered[i] = values[rows[i]!]!;
  return gathered;
}

function gatherCodes(codes: Int32Array, rows: Int32Array | Uint32Array): Int32Array {
  const gathered = new Int32Array(rows.length);
  for (let i = 0; i < rows.length; i++) gathered[i] = codes[rows[i]!]!;
  return gathered;
}
