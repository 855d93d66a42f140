import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { pathToFileURL } from "node:url";
import type { Aim, BenchOptions, BenchRow } from "./bench-row.ts";

/**
 * `npm run bench -- NAME… [--short] [--parts=a,b] [--json]`: measures the named claims against their peers, in this run and on
 * this machine. Without a name it lists what there is.
 */
const directory = new URL("./", import.meta.url);
const known = readdirSync(directory)
  .filter((file) => file.endsWith(".ts") && !["run.ts", "bench-row.ts"].includes(file))
  .map((file) => file.slice(0, -3))
  .sort();
const names = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const asJson = process.argv.includes("--json");
const options: BenchOptions = {
  short: process.argv.includes("--short"),
  parts: process.argv.flatMap((word) => (word.startsWith("--parts=") ? word.slice(8).split(",") : [])),
};
const unknown = names.filter((name) => !known.includes(name));

if (names.length === 0 || unknown.length > 0) {
  if (unknown.length > 0) process.stderr.write(`there is no bench called ${unknown.join(", ")}\n`);
  process.stderr.write(
    `usage: npm run bench -- NAME… [--short] [--parts=a,b] [--json]\nbenches: ${known.join(", ")}\n`,
  );
  process.exitCode = unknown.length > 0 ? 2 : 0;
} else {
  const rows: BenchRow[] = [];
  for (const name of names) rows.push(...(await run(name)));
  process.stdout.write(asJson ? `${JSON.stringify(rows, null, 2)}\n` : table(rows));
}

async function run(name: string): Promise<readonly BenchRow[]> {
  process.stderr.write(`measuring ${name} …\n`);
  const module: { bench(options: BenchOptions): Promise<readonly BenchRow[]> } = await import(
    pathToFileURL(new URL(`${name}.ts`, directory).pathname).href
  );
  return module.bench(options);
}

function table(rows: readonly BenchRow[]): string {
  const number = (value: number): string =>
    Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
  const cells = [
    ["claim", "ours", "peer", "unit", "ratio", "aim", "peer's name"],
    ...rows.map((row) =>
      "absent" in row
        ? [row.claim, "", "", "", "", "", `${row.peerName}: ${row.absent}`]
        : [
            row.claim,
            number(row.ours),
            "peer" in row ? number(row.peer) : "",
            row.unit,
            "ratio" in row ? row.ratio.toFixed(3) : "",
            row.aim === undefined ? "" : `${aimText(row.aim)} ${isMet(row) ? "met" : "MISSED"}`,
            "peerName" in row ? row.peerName : "",
          ],
    ),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n\n${availableParallelism()} cores, Node ${process.version}\n`;
}

function aimText(aim: Aim): string {
  return "atLeast" in aim ? `≥ ${aim.atLeast.toLocaleString("en")}` : `≤ ${aim.atMost.toLocaleString("en")}`;
}

/** An aim is one of the ratio where there is one. */
function isMet(row: Exclude<BenchRow, { absent: string }>): boolean {
  const { aim } = row;
  const value = "ratio" in row ? row.ratio : row.ours;
  return aim === undefined || ("atLeast" in aim ? value >= aim.atLeast : value <= aim.atMost);
}
