import { registerHooks } from "node:module";

const QUERY = "slipway-load";
const face = new URL(import.meta.url.endsWith(".ts") ? "./index.ts" : "./index.js", import.meta.url).href;
const ownFiles = new URL("../", import.meta.url).href;

let registered = false;
let loads = 0;
const loaded = new Map<string, Set<string>>();

/**
 * A URL under which a config is loaded afresh, with all project files it imports: Node loads a module once per URL.
 */
export function freshUrl(config: URL): string {
  registerOnce();
  loads += 1;
  const fresh = new URL(config);
  fresh.searchParams.set(QUERY, String(loads));
  loaded.set(String(loads), new Set([fresh.href]));
  return fresh.href;
}

/**
 * The files of the project that a config loaded under a fresh URL has brought in, with their marks, itself first. It is
 * told once, when the config has been loaded or has failed.
 */
export function loadedUrls(fresh: string): readonly string[] {
  const mark = markOf(fresh) ?? "";
  const urls = [...(loaded.get(mark) ?? [])];
  loaded.delete(mark);
  return urls;
}

/** Takes the marks of `freshUrl` out of a text such as a stack trace. */
export function withoutLoadMarks(text: string): string {
  return text.replace(/\?slipway-load=\d+/g, "");
}

/**
 * Three rules, synchronous and in this thread: `slipway` is this very package wherever the config lies, with or without
 * node_modules; what a marked file imports of the project's own files gets the same mark; and configs and TypeScript
 * are modules, whatever the nearest package.json says: `npm init` writes there that everything is CommonJS.
 */
function registerOnce(): void {
  if (registered) return;
  registered = true;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      if (specifier === "slipway") return { url: face, shortCircuit: true };
      const resolved = nextResolve(specifier, context);
      const mark = markOf(context.parentURL);
      if (mark === undefined || !isProjectFile(resolved.url)) return resolved;
      const url = new URL(resolved.url);
      url.searchParams.set(QUERY, mark);
      loaded.get(mark)?.add(url.href);
      return { ...resolved, url: url.href };
    },
    load(url, context, nextLoad) {
      const { pathname } = new URL(url);
      const isMarked = markOf(url) !== undefined;
      if (isMarked && pathname.endsWith(".ts"))
        return nextLoad(url, { ...context, format: "module-typescript" });
      if (isMarked && pathname.endsWith("/slipway.config.js"))
        return nextLoad(url, { ...context, format: "module" });
      return nextLoad(url, context);
    },
  });
}

function markOf(parent: string | undefined): string | undefined {
  if (parent === undefined || !parent.startsWith("file:")) return undefined;
  return new URL(parent).searchParams.get(QUERY) ?? undefined;
}

function isProjectFile(url: string): boolean {
  return url.startsWith("file:") && !url.includes("/node_modules/") && !url.startsWith(ownFiles);
}
