import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * `node make-impressions.ts`: writes 3,000 impressions of small banner images with a known click model. A banner has a
 * bright shape on a noisy ground; people click on rings more than on bars, on phones more than on desktops, and most in the
 * evening. Nothing but the pixels says which shape it is.
 */
const ROWS = 3000;
const SIDE = 8;

/** mulberry32: the same numbers every time. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const random = createRandom(7);

/** 64 grey values of a ring or a bar, somewhere in the image. */
function draw(shape: "ring" | "bar"): number[] {
  const left = Math.floor(random() * 4);
  const top = Math.floor(random() * 4);
  const upright = random() < 0.5;
  return Array.from({ length: SIDE * SIDE }, (_, i) => {
    const x = (i % SIDE) - left;
    const y = Math.floor(i / SIDE) - top;
    const inside = x >= 0 && x < 5 && y >= 0 && y < 5;
    const isLit =
      shape === "ring"
        ? inside && (x === 0 || x === 4 || y === 0 || y === 4)
        : inside && (upright ? x : y) >= 1 && (upright ? x : y) <= 3;
    return Math.floor(random() * 80) + (isLit ? 150 : 0);
  });
}

const names = Array.from({ length: SIDE * SIDE }, (_, i) => `p${Math.floor(i / SIDE)}${i % SIDE}`);
const lines = [["device", "hour", ...names, "clicked"].join(",")];
for (let row = 0; row < ROWS; row++) {
  const shape = random() < 0.5 ? "ring" : "bar";
  const device = random() < 0.6 ? "phone" : "desktop";
  const hour = Math.floor(random() * 24);
  const score = -2 + (shape === "ring" ? 2 : -0.5) + (device === "phone" ? 0.8 : 0) + (hour >= 18 ? 0.8 : 0);
  const clicked = random() < 1 / (1 + Math.exp(-score)) ? 1 : 0;
  lines.push([device, hour, ...draw(shape), clicked].join(","));
}
writeFileSync(fileURLToPath(new URL("impressions.csv", import.meta.url)), `${lines.join("\n")}\n`);
