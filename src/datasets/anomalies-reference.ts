import { type AnomalyKindDefinition, anomalyKinds } from "./anomaly-kinds.ts";

/** The text of `docs/reference/anomalies.md`. */
export function anomaliesReference(): string {
  const rows = Object.entries<AnomalyKindDefinition>(anomalyKinds).map(([kind, definition]) =>
    [
      `\`${kind}\``,
      `\`${definition.option}\``,
      definition.doc,
      definition.severity,
      definition.proposal === "" ? "–" : definition.proposal,
      definition.tfdv.length === 0 ? "–" : definition.tfdv.map((name) => `\`${name}\``).join(", "),
    ].join(" | "),
  );
  return `# Anomalies

<!-- Written by scripts/generate-anomalies-reference.ts from src/datasets/anomaly-kinds.ts: change that table, not this page. -->

What validation may find, by the name that stands in reports, in \`--json\` and in the registry. The option is that of
\`checks\` in \`dataset()\`, or of a column in \`checks.columns\`; see [validation](../guide/validation.md). The severity is
the one without \`severity\` in the check. Shares are of the values present, those of missing values and keys of all rows.

| kind | option | raised when | severity | proposed change | in TFDV |
|---|---|---|---|---|---|
${rows.map((row) => `| ${row} |`).join("\n")}

What TFDV calls \`BOOL_TYPE_*\`, \`INT_TYPE_NOT_INT_STRING\`, \`FLOAT_TYPE_STRING_NOT_FLOAT\`, \`FLOAT_TYPE_HAS_INF\` and
\`ENUM_TYPE_INVALID_UTF8\` cannot be in a snapshot: such cells are refused when it is taken, with \`DATASETS_BAD_CELL\` or
\`DATASETS_BAD_ENCODING\` and their line. NaN counts as a missing value. \`COMPARATOR_CONTROL_DATA_MISSING\` is no anomaly
here: a check that has nothing to compare with is reported as not judged.
`;
}
