import type { ColumnFacts } from "./column-facts.ts";
import type { ColumnDraft, ProjectDraft } from "./project-draft.ts";
import { memberName, quote } from "./source-code.ts";

/** A category with more values gains new ones as a matter of course. */
const MOST_DOMAIN_VALUES = 8;
const MOST_COLUMNS_OF_A_KIND = 3;
const MOST_ALLOWED = 20;
const WIDTH = 108;
const MOST_ON_ONE_LINE = 92;

/** A few limits for new rows, to begin with: what nearly everybody wants to hear of. */
export function checkLines({ rows, columns }: ProjectDraft): string {
  const features = columns.filter(({ role }) => role === "feature").map(({ facts }) => facts);
  const categories = features.filter(isClosed).slice(0, MOST_COLUMNS_OF_A_KIND);
  const numbers = features.filter(isNeverNegative).slice(0, MOST_COLUMNS_OF_A_KIND);
  const ofColumns = [
    ...categories.map((facts, at) => `${memberName(facts.name)}: ${categoryChecks(facts, at === 0)},`),
    ...numbers.map(({ name }) => `${memberName(name)}: { range: { min: 0, severity: "warning" } },`),
  ];
  return `
  // What new rows must keep. An error stops a run before it trains, a warning is recorded: \`slipway data validate\`
  // tells them one by one, and takes on new limits.
  checks: {
    rows: { min: ${Math.max(1, Math.floor(rows / 2))} }, // a file that was cut off
    rowsOfPrevious: { min: 0.5, max: 2 },
${unexpectedLine(columns)}${
  ofColumns.length === 0
    ? ""
    : `    columns: {\n${ofColumns.map((line) => `      ${line}\n`).join("")}    },\n`
}  },
`;
}

function isClosed({ type, distinct, top }: ColumnFacts): boolean {
  const isListed = type === "category" && distinct >= 2 && distinct <= MOST_DOMAIN_VALUES;
  return isListed && top.length === distinct && domainCheck(top).length <= WIDTH - 12;
}

function domainCheck(top: ColumnFacts["top"]): string {
  const values = top.map(({ value }) => quote(value)).sort();
  return `domain: { values: [${values.join(", ")}], severity: "warning" }`;
}

function isNeverNegative({ type, range, distinct }: ColumnFacts): boolean {
  return (type === "int" || type === "float") && distinct > 2 && range !== undefined && range.min >= 0;
}

function categoryChecks({ top }: ColumnFacts, drifts: boolean): string {
  const domain = domainCheck(top);
  const drift = "drift: { lInfinity: 0.1 }";
  const members = drifts ? [domain, drift] : [domain];
  const line = `{ ${members.join(", ")} }`;
  if (line.length <= MOST_ON_ONE_LINE) return line;
  return `{\n${members.map((member) => `        ${member},\n`).join("")}      }`;
}

/** Columns that were left out are no surprise. */
function unexpectedLine(columns: readonly ColumnDraft[]): string {
  const names = columns.filter(({ role }) => role === "left-out").map(({ facts }) => quote(facts.name));
  if (names.length > MOST_ALLOWED) return "";
  const line = `    unexpectedColumns: ${names.length === 0 ? "{}" : `{ allowed: [${names.join(", ")}] }`},`;
  if (line.length <= WIDTH) return `${line}\n`;
  return `    unexpectedColumns: {\n      allowed: [\n${names.map((name) => `        ${name},\n`).join("")}      ],\n    },\n`;
}
