import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRandom } from "../../src/kernel/index.ts";
import { scratchFolder, slipwayJson } from "../acceptance/command.ts";

export interface SoakProject {
  readonly path: string;
  remove(): void;
}

/** A small project whose model trains in about a second: advertisements and whether they were clicked. */
export function writeProject(rows: number): SoakProject {
  const folder = scratchFolder("soak");
  const random = createRandom("soak");
  const lines = ["at,site,position,price,clicked"];
  const sites = ["news", "mail", "games", "maps", "music"];
  for (let row = 0; row < rows; row++) {
    const site = sites[random.integer(sites.length)] ?? "news";
    const position = random.integer(8);
    const price = random.float() * 10;
    const clicked =
      random.float() < 0.15 + 0.08 * sites.indexOf(site) - 0.02 * position + (price > 7 ? 0.1 : 0);
    lines.push(
      `${new Date(1_700_000_000_000 + row * 60_000).toISOString()},${site},${position},${price.toFixed(3)},${clicked ? 1 : 0}`,
    );
  }
  writeFileSync(join(folder.path, "ads.csv"), `${lines.join("\n")}\n`);
  writeFileSync(join(folder.path, "slipway.config.ts"), CONFIG);
  return folder;
}

/** Trains it once, so that there is a champion. */
export async function trainChampion(project: SoakProject): Promise<void> {
  await slipwayJson(["train"], { cwd: project.path });
}

/** A record as a caller would send it; different for each number. */
export function recordOf(number: number): Record<string, unknown> {
  const sites = ["news", "mail", "games", "maps", "music", "never-seen"];
  return {
    at: new Date(1_700_000_000_000 + number * 977_000).toISOString(),
    site: sites[number % sites.length],
    position: number % 9,
    price: (number % 1000) / 97,
  };
}

export const model = "clicked";

const CONFIG = `import { byTime, csv, dataset, gbdt, model } from "slipway";

export const ads = dataset({
  source: csv("ads.csv"),
  columns: { at: "timestamp", site: "category", position: "int", price: "float", clicked: { type: "int", known: "after" } },
  time: "at",
});

export const clicked = model({
  from: ads,
  target: (row) => row.clicked.atLeast(1),
  features: (c) => ({
    hour: c.at.hourOfDay(),
    site: c.site,
    siteRate: c.site.targetEncoded({ smoothing: 20 }),
    position: c.position,
    price: c.price.log1p(),
  }),
  split: byTime({ evaluateFrom: { share: 0.2 } }),
  trainer: gbdt({ trees: 60, leaves: 15 }),
});
`;
