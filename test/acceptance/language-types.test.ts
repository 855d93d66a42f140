import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const typeTest = fileURLToPath(new URL("../../src/project/language.type-test.ts", import.meta.url));
const EXPECTATION = /^\s*\/\/ @ts-expect-error/;

/** The lines, from 1, on which the compiler finds something wrong in one file. */
async function wrongLines(folder: string, file: string): Promise<number[]> {
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: { typeRoots: [join(root, "node_modules/@types")] },
    files: [file],
    include: [],
  };
  const configPath = join(folder, "tsconfig.json");
  await writeFile(configPath, JSON.stringify(config));
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const output = await new Promise<string>((resolve) => {
    // The compiler's exit code only says that there were errors; what they are is on its output.
    execFile(process.execPath, [compiler, "-p", configPath], { cwd: dirname(file) }, (_, out, err) =>
      resolve(out + err),
    );
  });
  const lines = [...output.matchAll(/\((\d+),\d+\): error TS/g)].map((match) => Number(match[1]));
  if (output.trim() !== "" && lines.length === 0) throw new Error(output);
  return lines;
}

describe("the types of the language", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "slipway-types-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("accept what is right and refuse every wrong line", async () => {
    expect(await wrongLines(folder, typeTest)).toEqual([]);
  });

  it("would show each of those lines to be wrong", async () => {
    const source = await readFile(typeTest, "utf8");
    const lines = source.split("\n");
    const expected = lines.flatMap((line, at) => (EXPECTATION.test(line) ? [at + 2] : []));
    const bare = join(folder, "bare.mts");
    const face = join(dirname(typeTest), "index.ts");
    const withoutExpectations = lines.map((line) => (EXPECTATION.test(line) ? "" : line)).join("\n");
    await writeFile(bare, withoutExpectations.replace('"./index.ts"', JSON.stringify(face)));
    const wrong = new Set(await wrongLines(folder, bare));
    expect(expected.length).toBeGreaterThan(40);
    expect([...wrong].sort((a, b) => a - b)).toEqual(expected);
  });
});
