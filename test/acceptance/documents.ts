import { execFileSync } from "node:child_process";
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { repository } from "./command.ts";

/** A fenced block of a Markdown file. */
export interface Block {
  /** `README.md:27` */
  readonly place: string;
  readonly file: string;
  readonly language: string;
  readonly text: string;
}

/** The blocks of a file of the repository, in order. */
export function blocksOf(file: string): Block[] {
  const blocks: Block[] = [];
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of readFileSync(join(repository, file), "utf8").split("\n").entries()) {
    const fence = /^```(\w*)$/.exec(line);
    if (open === undefined) {
      if (fence !== null) open = { language: fence[1] ?? "", line: index + 2, lines: [] };
    } else if (fence !== null) {
      const { language, lines } = open;
      blocks.push({ place: `${file}:${open.line}`, file, language, text: lines.join("\n") });
      open = undefined;
    } else open.lines.push(line);
  }
  return blocks;
}

/** Every page that a user reads, relative to the repository. */
export function pages(): string[] {
  const below = readdirSync(join(repository, "docs"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .map((path) => join("docs", path))
    .sort();
  return ["README.md", "CONTRIBUTING.md", ...below];
}

/** The repository's files, changes included, as a fresh clone has them after `npm install`. */
export function copyRepository(target: string): void {
  const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: repository,
    encoding: "utf8",
  });
  for (const file of files.split("\0").filter(isFile)) {
    mkdirSync(dirname(join(target, file)), { recursive: true });
    cpSync(join(repository, file), join(target, file));
  }
  symlinkSync(join(repository, "node_modules"), join(target, "node_modules"));
}

function isFile(path: string): boolean {
  return path !== "" && lstatSync(join(repository, path), { throwIfNoEntry: false })?.isFile() === true;
}
