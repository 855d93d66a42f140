/** Shared by all copies of this module in a process: a config may see another copy than the loader. */
const built: unique symbol = Symbol.for("slipway.built");

/** Marks what `dataset()` and `model()` made, invisibly to JSON, and makes it immutable. */
export function markBuilt<Spec extends object>(spec: Spec): Spec {
  Object.defineProperty(spec, built, { value: true, enumerable: false });
  return freezeDeeply(spec);
}

const functions: unique symbol = Symbol.for("slipway.functions");

/** Hands the custom functions of a model on, invisibly to JSON. */
export function withFunctions<Spec extends object>(spec: Spec, given: ReadonlyMap<string, unknown>): Spec {
  if (given.size > 0) Object.defineProperty(spec, functions, { value: given, enumerable: false });
  return spec;
}

/** The custom functions of a model by name. */
export function functionsIn(spec: object): ReadonlyMap<string, unknown> {
  return functions in spec ? (spec[functions] as ReadonlyMap<string, unknown>) : new Map();
}

/** What a config exported: a dataset, a model, something made to look like one, or nothing of ours. */
export function builtKind(exported: unknown): "dataset" | "model" | "unbuilt" | undefined {
  if (typeof exported !== "object" || exported === null || !("kind" in exported)) return undefined;
  const { kind } = exported;
  if (kind !== "dataset" && kind !== "model") return undefined;
  return built in exported ? kind : "unbuilt";
}

function freezeDeeply<Item>(item: Item): Item {
  if (typeof item !== "object" || item === null || Object.isFrozen(item)) return item;
  Object.freeze(item);
  for (const member of Object.values(item)) freezeDeeply(member);
  return item;
}
