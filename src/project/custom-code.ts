import { checkCustomCode, checkInlineFunction } from "./custom-code-check.ts";
import { projectErrors } from "./errors.ts";

/** Where a custom function is written: exported from a file of the project, or in place. */
export type CustomSource = { readonly name: string } & (
  | { readonly file: string; readonly export: string }
  | { readonly text: string }
);

const ENTRY = "\0slipway-custom-features";

/**
 * Puts custom functions and everything they use into one self-contained module. The same sources give the same text on
 * every machine.
 *
 * @param root the folder of the project
 * @throws PROJECT_BAD_CUSTOM
 */
export async function compileCustomCode(sources: readonly CustomSource[], root: string): Promise<string> {
  // Native code, which is loaded only where there is something to bundle.
  const [{ rolldown }, { parseAst }] = await Promise.all([import("rolldown"), import("rolldown/parseAst")]);
  const parse = (text: string): unknown => parseAst(text);
  const sorted = sources.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  for (const source of sorted) if ("text" in source) checkInlineFunction(source, parse);
  const build = await rolldown({
    cwd: root,
    input: ENTRY,
    platform: "neutral",
    logLevel: "silent",
    tsconfig: false,
    // What a file does when it is loaded is no part of a pure function.
    treeshake: { moduleSideEffects: false },
    transform: { target: "esnext" },
    experimental: { attachDebugInfo: "none" },
    plugins: [
      {
        name: "slipway-custom-features",
        resolveId: (id) => (id === ENTRY ? id : undefined),
        load: (id) => (id === ENTRY ? entryText(sorted) : undefined),
      },
    ],
  });
  try {
    const { output } = await build
      .generate({ format: "cjs", comments: false, exports: "named" })
      .catch(refuse);
    const [{ code, imports, dynamicImports }, ...others] = output;
    const outside = [...imports, ...dynamicImports];
    if (outside.length > 0 || others.length > 0) {
      throw projectErrors.PROJECT_BAD_CUSTOM.error(
        `custom functions use ${outside.join(", ") || "files that are no code"}, which cannot come with the model`,
        {
          details: { uses: outside },
          hint: "modules of Node and of Slipway, and imports at run time, do not exist where a model is served",
        },
      );
    }
    checkCustomCode(code, parse);
    return code;
  } finally {
    await build.close();
  }
}

function entryText(sources: readonly CustomSource[]): string {
  return sources
    .map((source, at) =>
      "text" in source
        ? `const f${at} = ${source.text};\nexport { f${at} as ${source.name} };`
        : `export { ${source.export} as ${source.name} } from ${JSON.stringify(source.file)};`,
    )
    .join("\n");
}

function refuse(thrown: unknown): never {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  throw projectErrors.PROJECT_BAD_CUSTOM.error(
    `custom functions cannot be bundled: ${message.slice(0, 500)}`,
    {
      cause: thrown,
    },
  );
}
