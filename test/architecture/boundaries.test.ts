import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { confinements, faceExceptions, hardLineLimit, roomImports } from "./rules.ts";

const src = fileURLToPath(new URL("../../src/", import.meta.url));

interface SourceFile {
  readonly path: string;
  readonly room: string;
  readonly text: string;
  /** The text without comments and without the contents of plain string literals. */
  readonly code: string;
  readonly imports: readonly { readonly target: string; readonly typeOnly: boolean }[];
}

const IMPORT =
  /(?:^|\n)\s*(import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"|import\(\s*"([^"]+)"\s*\)|new URL\(\s*"([^"]+\.ts)"/g;

function readSources(): SourceFile[] {
  return readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => {
      const path = name.replaceAll("\\", "/");
      const text = readFileSync(join(src, name), "utf8");
      return { path, room: path.split("/")[0] ?? "", text, code: stripProse(text), imports: importsOf(text) };
    });
}

function importsOf(text: string): { target: string; typeOnly: boolean }[] {
  const withoutComments = text.replace(/\/\*[\s\S]*?\*\//g, "");
  return [...withoutComments.matchAll(IMPORT)].map((match) => ({
    target: match[3] ?? match[4] ?? match[5] ?? "",
    typeOnly: match[2] !== undefined,
  }));
}

function stripProse(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|\s)\/\/[^\n]*/g, "$1")
    .replace(/"(?:[^"\\\n]|\\.)*"/g, '""');
}

const isTest = (path: string): boolean =>
  /\.(test|type-test|property\.test)\.ts$/.test(path) || path.includes("/testing/");
const files = readSources();
const production = files.filter((file) => !isTest(file.path));

/** `rollout/plan.ts` importing `../stats/index.ts` → `stats/index.ts`. */
function resolved(file: SourceFile, target: string): string {
  return relative(src, resolve(src, dirname(file.path), target)).replaceAll("\\", "/");
}

describe("rooms", () => {
  it("are all in the table, and the table names no room that does not exist", () => {
    const rooms = new Set(files.map((file) => file.room));
    expect([...rooms].sort()).toEqual(Object.keys(roomImports).sort());
  });

  it("import only the rooms the table allows, and only through their faces", () => {
    const breaches: string[] = [];
    for (const file of production) {
      const allowed = roomImports[file.room];
      for (const { target } of file.imports) {
        if (!target.startsWith(".")) continue;
        const path = resolved(file, target);
        const room = path.split("/")[0] ?? "";
        if (room === file.room) continue;
        if (allowed !== "everything" && !allowed?.includes(room))
          breaches.push(`${file.path} imports ${room}`);
        else if (
          path !== `${room}/index.ts` &&
          !faceExceptions.some((rule) => rule.from === file.room && rule.file.test(path))
        ) {
          breaches.push(`${file.path} imports ${path} instead of ${room}/index.ts`);
        }
      }
    }
    expect(breaches).toEqual([]);
  });

  it("never import from outside src", () => {
    const breaches = production.flatMap((file) =>
      file.imports
        .filter(({ target }) => target.startsWith(".") && resolved(file, target).startsWith(".."))
        .map(({ target }) => `${file.path}: ${target}`),
    );
    expect(breaches.filter((line) => !line.endsWith("package.json"))).toEqual([]);
  });

  it("have no cycles of value imports", () => {
    const edges = new Map(
      production.map((file) => [
        file.path,
        file.imports
          .filter(({ target, typeOnly }) => !typeOnly && target.startsWith("."))
          .map(({ target }) => resolved(file, target)),
      ]),
    );
    expect(findCycle(edges)).toEqual([]);
  });
});

describe("confinements", () => {
  for (const rule of confinements) {
    it(`${rule.what}: ${rule.why}`, () => {
      const breaches = production
        .filter((file) => !rule.allowedIn.test(file.path))
        .flatMap((file) => {
          const text = rule.inImports ? file.imports.map(({ target }) => target).join("\n") : file.code;
          const match = rule.pattern.exec(text);
          return match ? [`${file.path}: ${match[0]}`] : [];
        });
      expect(breaches).toEqual([]);
    });
  }
});

describe("files", () => {
  it(`stay under ${hardLineLimit} lines`, () => {
    const long = files
      .filter((file) => file.text.split("\n").length > hardLineLimit)
      .map((file) => file.path);
    expect(long).toEqual([]);
  });

  it("are named after what they hold", () => {
    const banned = /(^|\/)(utils?|helpers?|common|shared|misc|types|interfaces|lib)(\.ts$|\/)/;
    expect(files.filter((file) => banned.test(file.path)).map((file) => file.path)).toEqual([]);
  });

  it("export by name and never everything", () => {
    const breaches = production
      .filter((file) => /(^|\n)export (\*|default)/.test(file.code))
      .map((file) => file.path);
    expect(breaches).toEqual([]);
  });
});

function findCycle(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return [];
    for (const next of edges.get(path) ?? []) {
      const cycle = visit(next, [...trail, path]);
      if (cycle.length > 0) return cycle;
    }
    done.add(path);
    return [];
  };
  for (const path of edges.keys()) {
    const cycle = visit(path, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}
