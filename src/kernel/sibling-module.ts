/**
 * The URL of a module beside the calling one, for `fork` and `Worker`: `.ts` when running from source, `.js` when
 * running from a build.
 *
 * @param from the caller's `import.meta.url`
 * @param name the file's name without extension
 */
export function siblingModule(from: string, name: string): URL {
  return new URL(`./${name}${from.endsWith(".ts") ? ".ts" : ".js"}`, from);
}
