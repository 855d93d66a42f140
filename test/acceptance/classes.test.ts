import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { repository, scratchFolder, slipway, slipwayJson } from "./command.ts";

const scratch = scratchFolder("classes");
const project = join(scratch.path, "project");
afterAll(scratch.remove);

/** 600 flowers of three kinds, told apart by two lengths, and one column that says nothing. */
function flowers(): string {
  const lines = ["petal,sepal,plot,species"];
  for (let i = 0; i < 600; i++) {
    const kind = i % 3;
    const spread = ((i * 7919) % 997) / 997;
    const other = ((i * 104_729) % 991) / 991;
    lines.push(
      `${(1 + 2 * kind + 2.4 * spread).toFixed(2)},${(4 + kind + 2 * other).toFixed(2)},${i % 7},${["setosa", "versicolor", "virginica"][kind]}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

interface Trained {
  readonly task: string;
  readonly status: string;
  readonly evaluation: {
    readonly metrics: readonly { readonly name: string; readonly value: number | null }[];
    readonly classes: readonly { readonly name: string; readonly rows: number }[];
    readonly confusion: { readonly rows: readonly (readonly number[])[] };
  };
}

describe("a target of several classes", () => {
  it("goes from a file to predictions of every class, and is rebuilt bit for bit", async () => {
    mkdirSync(join(project, "node_modules"), { recursive: true });
    symlinkSync(repository, join(project, "node_modules/slipway"));
    writeFileSync(join(project, "flowers.csv"), flowers());
    const options = { cwd: project };
    await slipwayJson(["init", "--from", "flowers.csv", "--target", "species"], options);

    const trained = await slipwayJson<Trained>(["train"], options);
    expect([trained.task, trained.status]).toEqual(["multiclass", "accepted"]);
    const classes = trained.evaluation.classes.map(({ name }) => name);
    expect(classes).toEqual(["setosa", "versicolor", "virginica"]);
    const rows = trained.evaluation.confusion.rows.flat().reduce((sum, count) => sum + count, 0);
    expect(rows).toBe(trained.evaluation.classes.reduce((sum, own) => sum + own.rows, 0));
    const auc = trained.evaluation.metrics.find(({ name }) => name === "auc")!.value!;
    expect(auc).toBeGreaterThan(0.9);

    const shown = await slipway(["model", "show", "species@1"], options);
    expect(shown.stdout).toMatch(/classes +setosa, versicolor, virginica/);
    expect(shown.stdout).toContain("mistaken for");
    expect(shown.stdout).toContain("actual \\ predicted");

    const reproduced = await slipwayJson<{ verdict: string }>(["reproduce", "species@1"], options);
    expect(reproduced.verdict).toBe("identical");

    const done = await slipway(
      ["predict", "species", "--file", "flowers.csv", "--out", "out.csv", "--only-predictions"],
      options,
    );
    expect(done.code).toBe(0);
    const [head, ...lines] = readFileSync(join(project, "out.csv"), "utf8").trim().split("\n");
    expect(head).toBe("prediction_setosa,prediction_versicolor,prediction_virginica,prediction_by");
    expect(lines).toHaveLength(600);
    for (const line of lines) {
      const sum = line
        .split(",")
        .slice(0, 3)
        .reduce((total, share) => total + Number(share), 0);
      expect(sum).toBeCloseTo(1, 9);
    }
  });
});
