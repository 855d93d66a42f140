import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Digest, digestOfJson, siblingModule } from "../kernel/index.ts";
import { configFailure } from "./config-failure.ts";
import type { CustomSource } from "./custom-code.ts";
import type { DatasetSpec } from "./dataset.ts";
import { projectErrors } from "./errors.ts";
import { builtKind, functionsIn } from "./exported-spec.ts";
import type { ModelSpec } from "./model.ts";
import { freshUrl, loadedUrls } from "./module-hook.ts";
import type * as nativeImport from "./native-import.ts";

const { importNatively }: typeof nativeImport = createRequire(import.meta.url)(
  fileURLToPath(siblingModule(import.meta.url, "native-import")),
);

const CONFIG_NAMES = ["slipway.config.ts", "slipway.config.mts", "slipway.config.js", "slipway.config.mjs"];
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;

/** What a folder's config declares. */
export interface Project {
  /** The folder of the config: paths in it are relative to this. */
  readonly root: string;
  readonly configPath: string;
  readonly datasets: ReadonlyMap<string, DatasetSpec>;
  readonly models: ReadonlyMap<string, ModelSpec>;
  /** The name of the dataset a model is made from. */
  datasetNameOf(model: string): string;
  /** Where the custom functions of a model are written; mostly none. */
  customSourcesOf(model: string): readonly CustomSource[];
  /** Of all that is declared: two configs that mean the same have the same. */
  readonly configDigest: Digest;
}

/**
 * The config file of a folder, or the file itself when that is what is given.
 *
 * @throws PROJECT_NOT_FOUND
 */
export function findConfig(rootOrConfigPath: string): string {
  const given = resolve(rootOrConfigPath);
  const isFolder = existsSync(given) && statSync(given).isDirectory();
  const candidates = isFolder ? CONFIG_NAMES.map((name) => join(given, name)) : [given];
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw projectErrors.PROJECT_NOT_FOUND.error(
    isFolder ? `there is no slipway.config.ts in ${given}` : `there is no file ${given}`,
    {
      details: { path: given },
      hint: "`slipway init --from data.csv --target column` writes one",
    },
  );
}

/**
 * Runs a project's config with Node's own type stripping, without a build and without native code, and reads what it
 * exports: the name of a dataset or model is the name it is exported under. Each call loads the files anew.
 *
 * @throws PROJECT_NOT_FOUND, PROJECT_CONFIG_FAILED, PROJECT_EMPTY, PROJECT_BAD_NAME, PROJECT_DATASET_NOT_EXPORTED
 */
export async function loadProject(rootOrConfigPath: string): Promise<Project> {
  const configPath = findConfig(rootOrConfigPath);
  const config = pathToFileURL(configPath);
  const fresh = freshUrl(config);
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = await importNatively(fresh);
  } catch (thrown) {
    loadedUrls(fresh);
    throw configFailure(thrown, config);
  }
  const loaded = loadedUrls(fresh);
  return projectOf(exported, { configPath, exportsOf: await exportedFunctions(exported, loaded) });
}

/**
 * Where functions are exported from, for configs whose models have functions of their own. Node gives the modules that it
 * has loaded once more.
 */
async function exportedFunctions(
  exported: Readonly<Record<string, unknown>>,
  loaded: readonly string[],
): Promise<ExportedFunctions> {
  const places = new Map<unknown, { file: string; export: string }>();
  const wanted = Object.values(exported).some(
    (item) => builtKind(item) === "model" && functionsIn(item as ModelSpec).size > 0,
  );
  if (!wanted) return places;
  // The config itself declares datasets and models, which have no place in a bundle.
  for (const url of loaded.slice(1)) {
    const { pathname } = new URL(url);
    if (!/\.[cm]?[jt]s$/.test(pathname)) continue;
    for (const [name, item] of Object.entries(await importNatively(url)))
      if (typeof item === "function" && !places.has(item))
        places.set(item, { file: fileURLToPath(url.replace(/\?.*$/, "")), export: name });
  }
  return places;
}

type ExportedFunctions = ReadonlyMap<unknown, { readonly file: string; readonly export: string }>;

function projectOf(
  exported: Readonly<Record<string, unknown>>,
  { configPath, exportsOf }: { readonly configPath: string; readonly exportsOf: ExportedFunctions },
): Project {
  const datasets = new Map<string, DatasetSpec>();
  const models = new Map<string, ModelSpec>();
  for (const [name, item] of Object.entries(exported)) {
    switch (builtKind(item)) {
      case "dataset":
        addNamed(datasets, name, item as DatasetSpec);
        break;
      case "model": {
        const spec = item as ModelSpec;
        addNamed(models, spec.name ?? name, spec);
        break;
      }
      case "unbuilt":
        throw projectErrors.PROJECT_BAD_NAME.error(`export "${name}" was not made by dataset() or model()`, {
          details: { name },
        });
      default:
    }
  }
  if (datasets.size === 0 && models.size === 0) {
    throw projectErrors.PROJECT_EMPTY.error(`${configPath} exports neither a dataset nor a model`, {
      details: { file: configPath },
      hint: "write: export const flights = dataset({ … });",
    });
  }
  const owners = new Map<string, string>();
  for (const [name, spec] of models) owners.set(name, exportedNameOf(spec, name, datasets));
  return {
    root: dirname(configPath),
    configPath,
    datasets,
    models,
    customSourcesOf: (model) => {
      const functions = [...functionsIn(models.get(model) ?? unknownModel(model, [...models.keys()]))];
      return functions.map(([name, written]) => ({
        name,
        ...(exportsOf.get(written) ?? { text: String(written) }),
      }));
    },
    datasetNameOf: (model) => owners.get(model) ?? unknownModel(model, [...models.keys()]),
    configDigest: digestOfJson({
      datasets: Object.fromEntries(datasets),
      models: Object.fromEntries(models),
      ...functionTexts(models),
    }),
  };
}

/** As they are written, without what they use: the recipe of a version names all of its code. */
function functionTexts(models: ReadonlyMap<string, ModelSpec>): { readonly functions?: object } {
  const texts = [...models].flatMap(([model, spec]) =>
    [...functionsIn(spec)].map(([name, written]) => [`${model} ${name}`, String(written)] as const),
  );
  return texts.length === 0 ? {} : { functions: Object.fromEntries(texts) };
}

function addNamed<Spec>(named: Map<string, Spec>, name: string, spec: Spec): void {
  if (!NAME.test(name) || name === "default") {
    throw projectErrors.PROJECT_BAD_NAME.error(`"${name}" cannot be the name of a dataset or model`, {
      details: { name },
      hint: "export it under a name of letters, digits, _ and -, beginning with a letter: export const flights = …",
    });
  }
  for (const [other, known] of named) {
    if (known !== spec && other !== name) continue;
    throw projectErrors.PROJECT_BAD_NAME.error(
      other === name
        ? `two models are called "${name}"`
        : `"${name}" and "${other}" are the same; export it once`,
      { details: { name, other } },
    );
  }
  named.set(name, spec);
}

function exportedNameOf(spec: ModelSpec, model: string, datasets: ReadonlyMap<string, DatasetSpec>): string {
  for (const [name, candidate] of datasets) if (candidate === spec.from) return name;
  throw projectErrors.PROJECT_DATASET_NOT_EXPORTED.error(
    `model "${model}" is made from a dataset that the config does not export`,
    { details: { model }, hint: "put `export` before the dataset's `const`" },
  );
}

function unknownModel(model: string, models: readonly string[]): never {
  throw projectErrors.PROJECT_NOT_FOUND.error(`the project has no model "${model}"`, {
    details: { model },
    hint: `it has: ${models.join(", ")}`,
  });
}
