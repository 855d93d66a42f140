import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Files beside the configuration that make it a project an editor understands. */
export interface ProjectFile {
  readonly name: string;
  readonly text: string;
}

/**
 * What is missing around a new configuration: `.gitignore` keeps the state out of version control; `package.json` and
 * `tsconfig.json`, where no folder above has them, let an editor find the types of the project language.
 */
export function missingFiles(folder: string, version: string): ProjectFile[] {
  const files: ProjectFile[] = [];
  const gitignore = ignoreState(folder);
  if (gitignore !== undefined) files.push({ name: ".gitignore", text: gitignore });
  if (!existsUpwards(folder, "package.json"))
    files.push({ name: "package.json", text: packageJson(version) });
  if (!existsUpwards(folder, "tsconfig.json")) files.push({ name: "tsconfig.json", text: TSCONFIG });
  return files;
}

export function writeFiles(folder: string, files: readonly ProjectFile[]): void {
  mkdirSync(folder, { recursive: true });
  for (const { name, text } of files) writeFileSync(join(folder, name), text);
}

/** `undefined` when the state is ignored already. */
function ignoreState(folder: string): string | undefined {
  const path = join(folder, ".gitignore");
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (text.split("\n").some((line) => /^\/?\.slipway\/?$/.test(line.trim()))) return undefined;
  return `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}.slipway/\n`;
}

function existsUpwards(start: string, name: string): boolean {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, name))) return true;
    if (dirname(folder) === folder) return false;
  }
}

function packageJson(version: string): string {
  return `${JSON.stringify({ private: true, type: "module", dependencies: { slipway: `^${version}` } }, null, 2)}\n`;
}

const TSCONFIG = `${JSON.stringify(
  {
    compilerOptions: {
      strict: true,
      target: "es2024",
      module: "nodenext",
      noEmit: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
    },
    include: ["*.ts"],
  },
  null,
  2,
)}\n`;
