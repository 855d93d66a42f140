import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../kernel/index.ts";
import { openFileBlobs } from "../../storage/index.ts";
import { type CommandOptions, command, gbdt, type SealedCommandSpec } from "../spec.ts";
import { scratch } from "../testing/program.ts";
import { sealTrainer } from "./seal-trainer.ts";

const folder = scratch("seal");
const projectRoot = join(folder.path, "project");
const blobs = openFileBlobs(join(folder.path, "blobs"));
afterAll(folder.remove);

beforeAll(() => {
  mkdirSync(join(projectRoot, "lib/__pycache__"), { recursive: true });
  mkdirSync(join(projectRoot, "lib/.hidden"));
  for (const file of [
    "train.py",
    "lib/a.py",
    "lib/b.py",
    "lib/__pycache__/a.pyc",
    "lib/.hidden/x",
    "data.csv",
  ])
    writeFileSync(join(projectRoot, file), file);
  writeFileSync(join(projectRoot, "run.sh"), "#!/bin/sh\n");
  chmodSync(join(projectRoot, "run.sh"), 0o755);
  symlinkSync("/bin/sh", join(projectRoot, "python"));
  symlinkSync("/etc", join(projectRoot, "outside"));
});

async function files(options: Partial<CommandOptions>): Promise<SealedCommandSpec["files"]> {
  const spec = command({ run: ["python3", "train.py"], format: "onnx", ...options });
  const sealed = await sealTrainer(spec, { projectRoot, blobs });
  return sealed.kind === "command" ? sealed.files : [];
}

const paths = async (options: Partial<CommandOptions>) => (await files(options)).map(({ path }) => path);

describe("the code of a command trainer", () => {
  it("is every file of the project that its words name, and nothing outside", async () => {
    expect(await paths({})).toEqual(["train.py"]);
    expect(
      await paths({ run: ["./run.sh", "lib/a.py", "lib", "--x", "/etc/hosts", "../project/data.csv"] }),
    ).toEqual(["data.csv", "lib/a.py", "run.sh"]);
    expect(await paths({ run: ["./python", "-c", "pass"] })).toEqual([]);
  });

  it("is what `code` names: files, and folders without what is no code", async () => {
    expect(await paths({ code: ["lib", "train.py"] })).toEqual(["lib/a.py", "lib/b.py", "train.py"]);
  });

  it("is stored by its digest, and remembers what may be executed", async () => {
    const [script] = await files({ run: ["./run.sh"] });
    expect(script).toEqual({ path: "run.sh", digest: digestOf("#!/bin/sh\n"), executable: true });
    expect((await blobs.get(script!.digest)).toString()).toBe("#!/bin/sh\n");
  });

  it("is refused when it is not there, or not the project's", async () => {
    const cases: [string, string][] = [
      ["gone.py", "does not exist"],
      ["../blobs", "lies outside the project's folder"],
      ["outside", "links to outside the project's folder"],
    ];
    for (const [path, fault] of cases)
      await expect(files({ code: [path] })).rejects.toMatchObject({
        code: "TRAINING_CODE_NOT_FOUND",
        message: `command: its code "${path}" ${fault}`,
      });
  });

  it("leaves other trainers as they are", async () => {
    expect(await sealTrainer(gbdt(), { projectRoot, blobs })).toEqual(gbdt());
  });
});
