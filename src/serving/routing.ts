import { type Digest, isDigest } from "../kernel/index.ts";
import { servingErrors } from "./errors.ts";

/** What the data plane serves: immutable and numbered. Workers refuse a generation that is not newer than theirs. */
export interface RoutingSnapshot {
  readonly format: "slipway.routing/1";
  /** Assigned in the transaction that changed what is served; 1, 2, … */
  readonly generation: number;
  readonly models: readonly RoutedModel[];
}

export interface RoutedModel {
  readonly name: string;
  readonly versions: readonly RoutedVersion[];
  /** The version that answers requests which name none; one of `versions`. */
  readonly champion: number;
  /** The version that each label names; snapshots of older releases have none. */
  readonly aliases?: Readonly<Record<string, number>>;
}

export interface RoutedVersion {
  readonly version: number;
  readonly bundle: Digest;
}

/** Longest model name that a frame of the prediction log has room for, in UTF-8 bytes. */
export const MAX_MODEL_NAME_BYTES = 200;

const ALIAS = /^[a-z][a-z0-9_-]{0,62}$/;
const MODEL_NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** Checks a routing snapshot that came from a file or a wire. @throws SERVING_BAD_ROUTING naming the first fault */
export function parseRouting(value: unknown): RoutingSnapshot {
  const document = record(value, "the document");
  if (document.format !== "slipway.routing/1")
    throw bad(`its format is ${JSON.stringify(document.format)} instead of "slipway.routing/1"`);
  const generation = positiveInteger(document.generation, "generation");
  const names = new Set<string>();
  const models = list(document.models, "models").map((item, index) => {
    const at = `models[${index}]`;
    const model = record(item, at);
    const name = model.name;
    if (typeof name !== "string" || !MODEL_NAME.test(name) || name.length > MAX_MODEL_NAME_BYTES)
      throw bad(`${at}.name is not a model name`);
    if (names.has(name)) throw bad(`${at}.name: "${name}" stands there twice`);
    names.add(name);
    const versions = parseVersions(model.versions, `${at}.versions`);
    const champion = positiveInteger(model.champion, `${at}.champion`);
    if (!versions.some(({ version }) => version === champion))
      throw bad(`${at}.champion: version ${champion} is not among its versions`);
    const aliases = parseAliases(model.aliases, { at: `${at}.aliases`, versions });
    return { name, versions, champion, ...(aliases === undefined ? {} : { aliases }) };
  });
  return { format: "slipway.routing/1", generation, models };
}

function parseAliases(
  value: unknown,
  { at, versions }: { readonly at: string; readonly versions: readonly RoutedVersion[] },
): Record<string, number> | undefined {
  if (value === undefined) return undefined;
  const entries = Object.entries(record(value, at)).map(([alias, named]): [string, number] => {
    if (!ALIAS.test(alias)) throw bad(`${at}: ${JSON.stringify(alias.slice(0, 100))} is not an alias`);
    if (!versions.some(({ version }) => version === named))
      throw bad(`${at}.${alias}: version ${String(named)} is not among its versions`);
    return [alias, Number(named)];
  });
  return Object.fromEntries(entries);
}

function parseVersions(value: unknown, at: string): RoutedVersion[] {
  const seen = new Set<number>();
  return list(value, at).map((item, index) => {
    const entry = record(item, `${at}[${index}]`);
    const version = positiveInteger(entry.version, `${at}[${index}].version`);
    if (version > 0xffffffff) throw bad(`${at}[${index}].version is too large`);
    if (seen.has(version)) throw bad(`${at}: version ${version} stands there twice`);
    seen.add(version);
    const bundle = entry.bundle;
    if (typeof bundle !== "string" || !isDigest(bundle)) throw bad(`${at}[${index}].bundle is not a digest`);
    return { version, bundle };
  });
}

function record(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw bad(`${at} is not an object`);
  return value as Record<string, unknown>;
}

function list(value: unknown, at: string): unknown[] {
  if (!Array.isArray(value)) throw bad(`${at} is not a list`);
  return value;
}

function positiveInteger(value: unknown, at: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1)
    throw bad(`${at} is not a positive integer`);
  return value;
}

function bad(fault: string): Error {
  return servingErrors.SERVING_BAD_ROUTING.error(`bad routing snapshot: ${fault}`, { details: { fault } });
}

/** What became of a routing snapshot. */
export interface ApplyReport {
  /** `refused`: nothing has changed. `applied`: what could be loaded is served now. */
  readonly outcome: "applied" | "refused";
  /** The generation served afterwards. */
  readonly generation: number;
  /** What could not be loaded and why; empty when everything is served as the snapshot says. */
  readonly problems: readonly string[];
}
