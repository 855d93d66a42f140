export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A path that DuckDB reads as this file and not as a pattern. */
export function sqlPath(path: string): string {
  return sqlText(path.replace(/[*?[]/g, "[$&]"));
}

export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
