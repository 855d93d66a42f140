import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { pathToFileURL } from "node:url";
import type { BenchRow } from "./bench-row.ts";

/**
 * `npm run bench -- NAME… [--json]`: measures the named claims against their peers, in this run and on this machine.
 * Without a name it lists what there is.
 */
const directory = new URL("./", import.meta.url);
const known = readdirSync(directory)
  .filter((file) => file.endsWith(".ts") && !["run.ts", "bench-row.ts"].includes(file))
  .map((file) => file.slice(0, -3))
  .sort();
const names = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const asJson = process.argv.includes("--json");
const unknown = names.filter((name) => !known.includes(name));

if (names.length === 0 || unknown.length > 0) {
  if (unknown.length > 0) process.stderr.write(`there is no bench called ${unknown.join(", ")}\n`);
  process.stderr.write(`usage: npm run bench -- NAME… [--json]\nbenches: ${known.join(", ")}\n`);
  process.exitCode = unknown.length > 0 ? 2 : 0;
} else {
  const rows: BenchRow[] = [];
  for (const name of names) rows.push(...(await run(name)));
  process.stdout.write(asJson ? `${JSON.stringify(rows, null, 2)}\n` : table(rows));
}

async function run(name: string): Promise<readonly BenchRow[]> {
  process.stderr.write(`measuring ${name} …\n`);
  const module: { bench(): Promise<readonly BenchRow[]> } = await import(
    pathToFileURL(new URL(`${name}.ts`, directory).pathname).href
  );
  return module.bench();
}

function table(rows: readonly BenchRow[]): string {
  const number = (value: number): string =>
    Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
  const cells = [
    ["claim", "ours", "peer", "unit", "ratio", "peer's name"],
    ...rows.map((row) => [
      row.claim,
      number(row.ours),
      number(row.peer),
      row.unit,
      row.ratio.toFixed(3),
      row.peerName,
    ]),
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
