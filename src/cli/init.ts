import { existsSync } from "node:fs";
import { basename, extname, join, relative, resolve } from "node:path";
import { commandName } from "../config/index.ts";
import { type Answer, argument, defineCommand, flag, option } from "./command.ts";
import { CONFIG_FILE } from "./connect.ts";
import { cliErrors } from "./errors.ts";
import { formatCount } from "./format-values.ts";
import { describeColumns } from "./init/column-facts.ts";
import { configText } from "./init/config-text.ts";
import { draftProject, type ProjectDraft } from "./init/project-draft.ts";
import { missingFiles, writeFiles } from "./init/project-files.ts";
import { inspect, placeOfFirstMissing, placesOfStrays, resolveSource, sourceDraft } from "./init/source.ts";
import { isIdentifier } from "./init/source-code.ts";
import { draftTarget } from "./init/target.ts";
import { packageVersion } from "./package-version.ts";
import { renderFields } from "./table.ts";
import { type Output, printable } from "./terminal.ts";

export const initCommand = defineCommand({
  name: "init",
  summary: "Look at a file of data and write a working configuration for it.",
  details:
    "Reads the whole file once, decides what to do with each column, and writes slipway.config.ts with the reasons as comments. The data stays where it is.",
  parameters: {
    dir: argument("[dir]", "Folder of the project. Default: the current one."),
    from: option(
      "--from <file>",
      "The data: CSV, TSV, NDJSON or Parquet; a quoted pattern for several files.",
    ),
    target: option("--target <column>", "The column to predict."),
    positive: option("--positive <value>", "The target's value that counts as yes, where it has several."),
    time: option("--time <column>", "When a row happened: the past teaches, the latest rows judge."),
    name: option("--name <model>", "Name of the model. Default: made from the target's name."),
    force: flag("--force", "Overwrite a configuration that exists."),
  },
  examples: [
    "slipway init --from customers.csv --target churned",
    'slipway init flights --from "data/flights-*.parquet" --target delay --time date --name late',
  ],
  reach: "local",
  run: async (given, session) => {
    const folder = resolve(given.dir ?? session.settings.projectDirectory);
    const config = join(folder, CONFIG_FILE);
    refuseToOverwrite(config, given.force ?? false);
    refuseBadName(given.name);
    const source = resolveSource(requireOption(given.from, "--from <file>", "say where the data is"), folder);
    const inspection = await inspect(source, { folder, session });
    const facts = describeColumns(inspection.columns, inspection.table);
    const strayPlaces = await placesOfStrays(facts, inspection);
    const target = draftTarget(facts, inspection.table, {
      column: requireOption(
        given.target,
        "--target <column>",
        `say what to predict; the columns are ${facts.map(({ name }) => printable(name)).join(", ")}`,
      ),
      positive: given.positive,
      firstMissing: await placeOfFirstMissing(facts, given.target, inspection),
      strayPlaces,
    });
    const draft = draftProject(
      facts,
      { table: inspection.table, target },
      {
        sourceName: basename(source.absolute, extname(source.absolute)),
        modelName: given.name,
        time: given.time,
        suggestedTime: inspection.timeColumn,
        strayPlaces,
      },
    );
    const files = [
      { name: CONFIG_FILE, text: configText(draft, sourceDraft(inspection.source, source.path)) },
      ...missingFiles(folder, packageVersion()),
    ];
    writeFiles(folder, files);
    return answer({
      draft,
      folder,
      source: source.path,
      notes: inspection.notes,
      files: files.map(({ name }) => name),
    });
  },
});

function refuseToOverwrite(config: string, force: boolean): void {
  if (force || !existsSync(config)) return;
  throw cliErrors.CLI_PROJECT_EXISTS.error(`${config} exists`, {
    details: { file: config },
    hint: "choose another folder, or overwrite it with --force",
  });
}

function refuseBadName(name: string | undefined): void {
  if (name === undefined || isIdentifier(name)) return;
  throw cliErrors.CLI_BAD_NAME.error(`--name: "${printable(name)}" cannot be the name of a model`, {
    details: { name },
    hint: "a letter, then letters, digits and _, and no word of the language: it becomes the name of an export",
  });
}

function requireOption(value: string | undefined, usage: string, what: string): string {
  if (value !== undefined) return value;
  throw cliErrors.CLI_USAGE.error(`${usage} is missing: ${what}`);
}

interface Written {
  readonly draft: ProjectDraft;
  readonly folder: string;
  readonly source: string;
  readonly notes: readonly string[];
  readonly files: readonly string[];
}

function answer(written: Written): Answer {
  const { draft, folder, source, notes, files } = written;
  const notUsed = draft.columns.filter(({ role }) => role === "left-out" || role === "giveaway");
  const doubtful = draft.columns.filter(({ role, reason }) => role === "feature" && reason !== "");
  return {
    data: {
      folder,
      files,
      dataset: draft.datasetName,
      model: draft.modelName,
      task: draft.target.task,
      target: draft.target.column,
      source,
      rows: draft.rows,
      features: draft.features.length,
      split: draft.split,
      notes,
      leftOut: notUsed.map(({ facts, reason }) => ({ column: facts.name, reason })),
      doubtful: doubtful.map(({ facts, reason }) => ({ column: facts.name, reason })),
    },
    text: (out) => describe(written, { notUsed, doubtful }, out),
  };
}

function describe(
  { draft, folder, source, notes, files }: Written,
  {
    notUsed,
    doubtful,
  }: { readonly notUsed: ProjectDraft["columns"]; readonly doubtful: ProjectDraft["columns"] },
  out: Output,
): string {
  const { paint } = out;
  const where = relative(process.cwd(), folder);
  const enter = where === "" ? "" : `  cd ${where}\n`;
  return [
    `wrote ${files.map((name) => paint("bold", join(where, name))).join(", ")}\n`,
    renderFields(
      [
        ["predicts", draft.target.question],
        ["from", `${formatCount(draft.rows)} rows of ${source}`],
        [
          "features",
          `${draft.features.length} from ${draft.columns.filter(({ role }) => role === "feature").length} columns`,
        ],
        ["judged by", judgedBy(draft)],
      ],
      out,
    ),
    ...notUsed.map(({ facts, role, reason }) => {
      const mark = role === "giveaway" ? paint("yellow", "!") : paint("dim", "·");
      return `  ${mark} ${printable(facts.name)} is not used: ${reason}\n`;
    }),
    ...doubtful.map(
      ({ facts, reason }) => `  ${paint("yellow", "!")} ${printable(facts.name)} is used, but ${reason}\n`,
    ),
    ...notes.map((note) => `  ${paint("dim", "·")} ${printable(note)}\n`),
    `\nNext:\n${enter}  ${commandName()} train\n  ${commandName()} up\n`,
  ].join("");
}

function judgedBy({ split }: ProjectDraft): string {
  switch (split.by) {
    case "time":
      return `the latest fifth of the rows by ${split.column}`;
    case "hash":
      return `a fifth of the rows; rows of one ${split.key} stay together`;
    case "random":
      return "a random fifth of the rows";
  }
}
