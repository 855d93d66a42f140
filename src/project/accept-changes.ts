import { readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { applyChanges, type SchemaChange } from "../datasets/spec.ts";
import { canonicalJson, type JsonValue, SlipwayError } from "../kernel/index.ts";
import { editDataset } from "./edit-config.ts";
import { unifiedDiff } from "./line-diff.ts";
import { loadProject, type Project } from "./load.ts";
import { sourceLiteral } from "./source-literal.ts";

/** What became of changes that somebody accepted. */
export interface Acceptance {
  readonly file: string;
  /** False: the file is as it was, and `text` is for its author to put in. */
  readonly applied: boolean;
  /** The changes as a unified diff; where they were not applied, as the options that `dataset({ … })` should have. */
  readonly text: string;
  /** Why they were not applied. */
  readonly reason?: string;
}

/**
 * Writes changes of a dataset's options into the config. The file is replaced only after its edited text has been loaded
 * beside it and means exactly what it meant before, with these options changed; comments and everything else stay.
 *
 * @throws PROJECT_NOT_FOUND, PROJECT_CONFIG_FAILED and what else loading the config throws
 */
export async function acceptChanges(
  root: string,
  dataset: string,
  changes: readonly SchemaChange[],
): Promise<Acceptance> {
  const project = await loadProject(root);
  const spec = project.datasets.get(dataset);
  const file = basename(project.configPath);
  const path = realpathSync(project.configPath);
  const before = readFileSync(path, "utf8");
  const expected: JsonValue = JSON.parse(JSON.stringify(applyChanges(spec ?? {}, changes)));
  const refuse = (reason: string): Acceptance => ({ file, applied: false, text: asOptions(changes), reason });
  const after = editDataset(before, dataset, { changes, expected });
  if (after === undefined) return refuse("the options are not written out in the file");
  const candidate = join(dirname(path), `.slipway-candidate-${process.pid}${extname(path)}`);
  try {
    writeFileSync(candidate, after, { flag: "wx", mode: statSync(path).mode });
    const edited = await loadProject(candidate);
    if (!meansTheSame(project, edited, { dataset, expected }))
      return refuse("the edited file would not mean the same");
    if (readFileSync(path, "utf8") !== before) return refuse("the file has been changed meanwhile");
    renameSync(candidate, path);
  } catch (thrown) {
    if (thrown instanceof SlipwayError) return refuse(`the edited file cannot be loaded: ${thrown.message}`);
    throw thrown;
  } finally {
    rmSync(candidate, { force: true });
  }
  return { file, applied: true, text: unifiedDiff(before, after, file) };
}

/** The changes as one object literal. */
function asOptions(changes: readonly SchemaChange[]): string {
  const merged: JsonValue = applyChanges({}, changes) as Record<string, JsonValue>;
  return `dataset(${sourceLiteral(merged, 0)})\n`;
}

function meansTheSame(
  before: Project,
  after: Project,
  { dataset, expected }: { readonly dataset: string; readonly expected: JsonValue },
): boolean {
  const describe = (project: Project, change: (name: string, spec: unknown) => unknown): string =>
    canonicalJson({
      datasets: [...project.datasets].map(([name, spec]) => [name, change(name, spec)]),
      models: [...project.models].map(([name, { from: _, ...spec }]) => [
        name,
        spec,
        project.datasetNameOf(name),
      ]),
    });
  return (
    describe(before, (name, spec) => (name === dataset ? expected : spec)) ===
    describe(after, (_, spec) => spec)
  );
}
