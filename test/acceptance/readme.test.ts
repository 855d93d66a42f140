import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repository, scratchFolder } from "./command.ts";
import { type Block, blocksOf, copyRepository, pages } from "./documents.ts";

/** Scripts that `.ci/run` does not call as they stand in a page, with the reason. */
const NOT_IN_CI: Readonly<Record<string, string>> = {
  "npm run demo": "stays up; CI runs it with -- --exit",
  "npm run bench": "lists the benches; what they measure is a matter of the machine",
  "npm run bench -- features": "measures; a test asserts no times",
  "npm run soak": "the long campaigns; CI runs the short form",
  "npm install": "CI installs with npm ci",
  "npm run test:acceptance": "CI leaves out the longest of them",
};

const blocks = pages().flatMap(blocksOf);
const shell = blocks.filter(({ language }) => language === "sh");
const commandsOf = ({ text }: Block): string[] =>
  text
    .replace(/\\\n/g, " ")
    .split("\n")
    .map((line) => line.replace(/\s+#.*$/, ""))
    .filter((line) => line.trim() !== "");
const isScript = (block: Block): boolean => commandsOf(block).every((line) => line.startsWith("npm "));
const isRequest = ({ text }: Block): boolean => text.startsWith("curl ");

const folder = scratchFolder("readme");
const clone = join(folder.path, "slipway");
const weather = join(clone, "weather");
let port: number;
let stopServer: () => Promise<void> = async () => undefined;

/** A fresh clone as its reader has it after `npm install`. */
beforeAll(async () => {
  copyRepository(clone);
  port = await freePort();
});
afterAll(async () => {
  await stopServer();
  folder.remove();
});

describe("the scripts that the pages name", () => {
  const { scripts } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const ci = readFileSync(join(repository, ".ci/run"), "utf8").split("\n");
  for (const block of shell.filter(isScript)) {
    for (const command of commandsOf(block)) {
      it(`${command} (${block.place})`, () => {
        const script = /^npm (?:run )?([\w:]+)/.exec(command)?.[1] ?? "";
        if (script !== "install") expect(Object.keys(scripts)).toContain(script);
        expect(
          ci.includes(command) || command in NOT_IN_CI,
          `neither .ci/run nor the list of reasons has it`,
        ).toBe(true);
      });
    }
  }
});

describe("the commands that the pages show, one after another", () => {
  const readme = shell.filter(({ file }) => file === "README.md");
  const quickStart = readme.find(({ text }) => text.includes("slipway init"));

  it("README: from a file to a server, by the commands as they stand", async () => {
    const commands = commandsOf(quickStart ?? readme[0]!);
    expect(commands.at(-1)).toBe("npx slipway up");
    run(commands.slice(0, -1).join("\n"), clone);
    expect(existsSync(join(weather, "slipway.config.ts"))).toBe(true);
    await startServer(commands.at(-1) ?? "");
  });

  const order = ["README.md", "docs/predictions.md"];
  const rest = shell
    .filter((block) => block !== quickStart && !isScript(block))
    .sort((left, right) => rank(left.file) - rank(right.file));
  function rank(file: string): number {
    const place = order.indexOf(file);
    return place === -1 ? order.length : place;
  }

  for (const block of rest) {
    it(`${block.place}: ${commandsOf(block)[0]?.slice(0, 60)}`, () => {
      const output = run(block.text, weather);
      const shown = blocks[blocks.indexOf(block) + 1];
      if (isRequest(block)) checkAnswer(output, shown?.file === block.file ? shown : undefined);
      else if (shown?.language === "text" && follows(shown, block)) checkText(output, shown.text);
    });
  }
});

describe("the links between the pages", () => {
  for (const page of ["ARCHITECTURE.md", ...pages()]) {
    it(page, () => {
      const text = readFileSync(join(repository, page), "utf8").replace(/^```[\s\S]*?^```$/gm, "");
      const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target]) => target ?? "");
      const local = links.filter((target) => !/^\w+:/.test(target));
      expect(local.filter((target) => !existsSync(join(repository, dirname(page), target)))).toEqual([]);
    });
  }
});

describe("the TypeScript that the pages show", () => {
  it("type-checks", () => {
    const examples = join(clone, "shown-examples");
    mkdirSync(examples);
    const shown = blocks.filter(({ language }) => language === "ts");
    expect(shown.length).toBeGreaterThan(1);
    for (const [index, { text, place }] of shown.entries())
      writeFileSync(join(examples, `example-${index}.ts`), `// ${place}\n${text}\n`);
    const options = { ...compilerOptions(), noEmit: true };
    writeFileSync(
      join(examples, "tsconfig.json"),
      JSON.stringify({ extends: "../tsconfig.json", compilerOptions: options, include: ["*.ts"] }),
    );
    expect(run("npx tsc -p .", examples)).toBe("");
  });
});

/** The shown examples are one file each, with names of their own. */
function compilerOptions(): object {
  return { moduleDetection: "force", noUnusedLocals: false };
}

function run(script: string, cwd: string): string {
  return execFileSync("bash", ["-euo", "pipefail", "-c", script.replaceAll(":8080", `:${port}`)], {
    cwd,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", SLIPWAY_DATABASE_URL: "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** The one liberty that is taken: ports that are free on this machine. */
async function startServer(command: string): Promise<void> {
  const child = spawn("bash", ["-c", command], {
    cwd: weather,
    env: {
      ...process.env,
      SLIPWAY_DATABASE_URL: "",
      SLIPWAY_PORT: String(port),
      SLIPWAY_CONSOLE_PORT: "0",
      SLIPWAY_GRPC_PORT: "0",
    },
    stdio: "ignore",
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  stopServer = async () => {
    run("npx slipway stop", weather);
    await ended;
  };
  for (;;) {
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (ready?.ok) return;
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}`);
    await pause(100);
  }
}

function follows(shown: Block, block: Block): boolean {
  const page = readFileSync(join(repository, block.file), "utf8");
  return shown.file === block.file && page.includes(`${block.text}\n\`\`\`\n\n\`\`\`text\n${shown.text}`);
}

/** What is shown of a command's output must be in it; how many bytes and how long is not what is shown. */
function checkText(output: string, shown: string): void {
  const withoutSizes = (text: string): string => text.replace(/[\d.,]+ [kMG]?B\b/g, "<size>");
  for (const line of shown.split("\n")) expect(withoutSizes(output)).toContain(withoutSizes(line));
}

function checkAnswer(output: string, shown: Block | undefined): void {
  if (shown?.language === "json") expectAlike(JSON.parse(output), JSON.parse(shown.text));
  else if (shown?.language === "http") {
    const [given, expected] = [output, shown.text].map((text) => text.replaceAll("\r", "").split("\n\n"));
    const headers = given?.[0]?.split("\n").map(withoutId) ?? [];
    for (const line of expected?.[0]?.split("\n") ?? []) expect(headers).toContain(withoutId(line));
    expectAlike(JSON.parse(given?.[1] ?? ""), JSON.parse(expected?.[1] ?? ""));
  } else expect(JSON.parse(output)).toHaveProperty("predictions");
}

/** Prediction ids, and the names of workers. */
const withoutId = (text: string): string => text.replace(/[0-9a-z]{24}|\b01[0-9a-z]{14}\b/, "<id>");

/** Equal, but for ids, and for predictions: a trainer that has learned to do better answers a little differently. */
function expectAlike(given: unknown, expected: unknown): void {
  const texts = (value: unknown): string =>
    JSON.stringify(value, (_key, inner: unknown) => {
      if (typeof inner === "string") return withoutId(inner);
      return typeof inner === "number" && !Number.isInteger(inner) ? "<number>" : inner;
    });
  expect(texts(given)).toBe(texts(expected));
  const predictions = fractions(given);
  for (const [index, shown] of fractions(expected).entries())
    expect(Math.abs((predictions[index] ?? Number.NaN) - shown)).toBeLessThan(0.1 * Math.abs(shown));
}

function fractions(value: unknown): number[] {
  const found: number[] = [];
  JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === "number" && !Number.isInteger(inner)) found.push(inner);
    return inner;
  });
  return found;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("no free port");
  return address.port;
}
