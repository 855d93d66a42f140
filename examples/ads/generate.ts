import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { type Campaign, type Creative, clickProbability, driftDay, makeCampaigns } from "./click-model.ts";
import { createRandom, type Random } from "./random.ts";

/**
 * Fills a folder that stands for the agency's bucket: campaigns, banners rendered as PNG, and one CSV of impressions a
 * day. The same seed gives the same files. Before the drift the days go to `impressions/`, from it on to `later/`.
 *
 *     node examples/ads/generate.ts [--out <folder>] [--impressions <number>] [--days <number>] [--seed <number>]
 */
const { values } = parseArgs({
  options: {
    out: { type: "string", default: fileURLToPath(new URL("./bucket", import.meta.url)) },
    impressions: { type: "string", default: "40000" },
    days: { type: "string", default: "60" },
    seed: { type: "string", default: "7" },
  },
});
const impressions = wholeNumber("impressions", values.impressions);
const days = wholeNumber("days", values.days);
const random = createRandom(wholeNumber("seed", values.seed));
const bucket = values.out;
const FIRST_DAY = Date.UTC(2026, 2, 1);
const DAY_MS = 86_400_000;

const campaigns = makeCampaigns(random);
await rm(bucket, { recursive: true, force: true });
for (const folder of ["creatives", "impressions", "later"])
  await mkdir(join(bucket, folder), { recursive: true });
await writeFile(join(bucket, "campaigns.csv"), campaignTable(campaigns));
for (const creative of campaigns.flatMap(({ creatives }) => creatives))
  await writeFile(join(bucket, "creatives", `${creative.id}.png`), await renderBanner(creative));
let clicks = 0;
for (let day = 0; day < days; day++) {
  const { text, clicked } = impressionsOf(day, random);
  clicks += clicked;
  const folder = day < driftDay(days) ? "impressions" : "later";
  await writeFile(join(bucket, folder, `${isoTime(day, 0).slice(0, 10)}.csv`), text);
}
process.stdout.write(
  `${campaigns.length} campaigns, ${campaigns.flatMap(({ creatives }) => creatives).length} banners, ` +
    `${impressions.toLocaleString("en")} impressions with ${clicks.toLocaleString("en")} clicks in ${bucket}\n` +
    `tastes change on ${isoTime(driftDay(days), 0).slice(0, 10)}: the days from then on are in later/\n`,
);

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  process.stderr.write(`--${name}: "${text}" is not a whole number of at least 1\n`);
  process.exit(2);
}

function isoTime(day: number, second: number): string {
  return new Date(FIRST_DAY + day * DAY_MS + second * 1000).toISOString();
}

function campaignTable(all: readonly Campaign[]): string {
  const rows = all.map(({ id, vertical, budget }) => `${id},${vertical},${budget}`);
  return `campaign,vertical,budget\n${rows.join("\n")}\n`;
}

function impressionsOf(day: number, draw: Random): { text: string; clicked: number } {
  const lines = ["time,campaign,vertical,creative,banner,headline,device,position,clicked"];
  const count = Math.round((impressions * (day + 1)) / days) - Math.round((impressions * day) / days);
  const seconds = Array.from({ length: count }, () => Math.floor(draw.uniform() * 86_400)).sort(
    (a, b) => a - b,
  );
  let clicked = 0;
  for (const second of seconds) {
    const campaign = draw.pick(campaigns);
    const creative = draw.pick(campaign.creatives);
    const device = draw.pick(["phone", "phone", "phone", "desktop", "tablet"] as const);
    const position = 1 + Math.floor(draw.uniform() * 5);
    const hour = Math.floor(second / 3600);
    const drifted = day >= driftDay(days);
    const click = draw.uniform() < clickProbability({ campaign, creative, device, position, hour, drifted });
    if (click) clicked++;
    const banner = `../creatives/${creative.id}.png`;
    lines.push(
      `${isoTime(day, second)},${campaign.id},${campaign.vertical},${creative.id},${banner},"${creative.headline}",${device},${position},${click}`,
    );
  }
  return { text: `${lines.join("\n")}\n`, clicked };
}

/** A banner of 320 × 100: a coloured ground, a product that is a circle or a box, and the headline. */
async function renderBanner({ ground, product, shape, headline }: Creative): Promise<Buffer> {
  const drawn =
    shape === "circle"
      ? `<circle cx="52" cy="50" r="34" fill="${product}"/>`
      : `<rect x="18" y="16" width="68" height="68" rx="8" fill="${product}"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="320" height="100"><rect width="320" height="100" fill="${ground}"/>${drawn}<text x="104" y="58" font-family="sans-serif" font-size="17" fill="#ffffff">${headline}</text></svg>`;
  return await sharp(Buffer.from(svg)).png().toBuffer();
}
