import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import { predict, repository, scratchFolder, slipway, slipwayJson, slipwayUp } from "./command.ts";
import { smallProject } from "./small-project.ts";

const scratch = scratchFolder("unusual");
afterAll(scratch.remove);

/** Names that break what is put together from texts: paths, URLs, code, prototypes. */
const columns = [
  "Datum der Buchung",
  "größe (m²)",
  "constructor",
  "__proto__",
  "toString",
  'a"b',
  "$" + "{1}",
  "emoji 🚀",
  "ziel",
] as const;
const folder = join(scratch.path, "a#b?c%20d [x] 'q' ✈", "tiefer");

function strangeFile(): string {
  const header = columns.map((name) => `"${name.replaceAll('"', '""')}"`).join(",");
  const rows = Array.from({ length: 400 }, (_, row) => {
    const day = `2024-${String(1 + Math.floor(row / 40)).padStart(2, "0")}-${String((row % 28) + 1).padStart(2, "0")}`;
    const cells = [row % 13, ["x", "y"][row % 2], ((row * 7) % 50) / 10, row % 5, row % 4, row % 6];
    return [day, ...cells, ["😀", "ü"][row % 2], row % 3 === 0 || row % 7 === 0 ? "ja" : "nein"].join(",");
  });
  return `\ufeff${[header, ...rows].join("\r\n")}\r\n`;
}

describe("unusual names of folders, files and columns, a byte order mark, and lines that end with CRLF", () => {
  it("from the file to a prediction, and its replay", async () => {
    const data = join(scratch.path, "dätei mit ✈.csv");
    writeFileSync(data, strangeFile());
    const init = await slipway(["init", folder, "--from", "d*.csv", "--target", "ziel"], {
      cwd: scratch.path,
    });
    expect(init, init.stderr).toMatchObject({ code: 0 });
    typeCheck(folder);

    const cwd = folder;
    await slipwayJson<OperationOutput<"train">>(["train"], { cwd }).catch((error: unknown) => {
      // Whether it is good enough is not what this is about.
      expect(String(error)).toContain('"status": "rejected"');
    });
    await slipwayJson(["deploy", "ziel@1", "--force"], { cwd });
    const server = await slipwayUp({ cwd });
    try {
      const record = Object.fromEntries([
        ["Datum der Buchung", "2024-03-05"],
        ["größe (m²)", 3],
        ["constructor", "x"],
        ["toString", 2],
        ['a"b', 1],
        ["$" + "{1}", 5],
        ["emoji 🚀", "😀"],
      ]);
      const whole = `{"__proto__": 1.5, ${JSON.stringify(record).slice(1)}`;
      const answer = await fetch(`${server.predictions}/v1/models/ziel:predict`, {
        method: "POST",
        body: `{"instances": [${whole}]}`,
      });
      expect(await answer.json()).toEqual({ predictions: [expect.any(Number)] });
      const lacking = await predict(server.predictions, "ziel", { instances: [record] });
      expect(lacking.status).toBe(400);
      expect(lacking.body.error).toContain('"__proto__"');
      expect(await slipwayJson(["replay", "--all"], { cwd })).toMatchObject({ predictions: 1, identical: 1 });
      expect(await slipwayJson(["status"], { cwd: folder })).toMatchObject({
        project: { root: folder },
      });
    } finally {
      await server.stop();
    }
  });

  /** The configuration that `init` wrote is one that an editor finds nothing wrong with. */
  function typeCheck(project: string): void {
    mkdirSync(join(project, "node_modules"));
    symlinkSync(repository, join(project, "node_modules/slipway"));
    const options = ["--noEmit", "--customConditions", "slipway-source", "--types", "node"];
    const roots = ["--typeRoots", join(repository, "node_modules/@types")];
    execFileSync(join(repository, "node_modules/.bin/tsc"), ["-p", project, ...options, ...roots]);
  }
});

describe("where and how a command is run", () => {
  const project = smallProject("surroundings");
  afterAll(project.remove);
  const cwd = project.path;

  it("makes no difference to what comes out: zone, language, folder below, symbolic link", async () => {
    const first = await slipwayJson<OperationOutput<"train">>(["train"], { cwd });
    const below = join(cwd, "below");
    mkdirSync(below);
    const link = join(scratch.path, "link");
    symlinkSync(cwd, link);
    for (const [folder, env] of [
      [below, { TZ: "Asia/Kolkata", LC_ALL: "tr_TR.UTF-8" }],
      [link, { TZ: "America/St_Johns" }],
    ] as const) {
      const again = await slipwayJson<OperationOutput<"train">>(["train"], { cwd: folder, env });
      expect(again).toMatchObject({ version: 1, alreadyRegistered: true, snapshot: first.snapshot });
    }
  });

  it("answers whole where nobody reads the progress, and without noise where nobody reads the answer", async () => {
    for (const [args, closed] of [
      [["train"], "stderr"],
      [["journal", "--json"], "stdout"],
    ] as const) {
      const child = spawn(process.execPath, [join(repository, "bin/slipway.js"), ...args], { cwd });
      const said: string[] = [];
      child[closed].destroy();
      child[closed === "stderr" ? "stdout" : "stderr"].on("data", (text) => said.push(String(text)));
      const code = await new Promise((resolve) => child.once("close", resolve));
      expect(code).toBe(0);
      if (closed === "stderr") expect(said.join("")).toContain("clicked v1");
      else expect(said.join("")).toBe("");
    }
  });
});
