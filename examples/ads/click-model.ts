import type { Random } from "./random.ts";

/** The truth behind the generated clicks: what a model may find, and what changes when tastes do. */

export interface Campaign {
  readonly id: string;
  readonly vertical: string;
  readonly budget: number;
  /** Adds to the log-odds of a click. */
  readonly appeal: number;
  readonly creatives: readonly Creative[];
}

export interface Creative {
  readonly id: string;
  readonly headline: string;
  /** Colours as `#rrggbb`. */
  readonly ground: string;
  readonly product: string;
  readonly shape: "circle" | "box";
  /** Of the ground, 0 to 1. */
  readonly warmth: number;
  readonly lightness: number;
}

const VERTICALS = ["travel", "shoes", "insurance", "games", "food"] as const;
const CAMPAIGNS = 20;
const CREATIVES_EACH = 6;
const HEADLINES = [
  "Save 20% until Sunday",
  "Your next trip starts here",
  "Free delivery today",
  "Are you paying too much?",
  "New in: the spring look",
  "Try it for 30 days",
  "Play now, it is free",
  "Made by people like you",
] as const;
/** Two thirds of the days come before the change. */
const DRIFT_AFTER = 2 / 3;

/** The first day on which tastes have changed. */
export function driftDay(days: number): number {
  return Math.floor(days * DRIFT_AFTER);
}

export function makeCampaigns(random: Random): Campaign[] {
  return Array.from({ length: CAMPAIGNS }, (_, at) => {
    const id = `campaign-${String(at + 1).padStart(2, "0")}`;
    return {
      id,
      vertical: random.pick(VERTICALS),
      budget: 500 + Math.floor(random.uniform() * 20) * 250,
      appeal: (random.uniform() - 0.5) * 0.8,
      creatives: Array.from({ length: CREATIVES_EACH }, (_, number) =>
        makeCreative(`${id}-${number + 1}`, random),
      ),
    };
  });
}

function makeCreative(id: string, random: Random): Creative {
  const warmth = random.uniform();
  const lightness = random.uniform();
  const scale = 70 + lightness * 150;
  const ground = hex([scale * (0.35 + 0.65 * warmth), scale * 0.45, scale * (1 - 0.65 * warmth)]);
  const product = hex([random.uniform() * 255, random.uniform() * 255, random.uniform() * 255]);
  const shape = random.pick(["circle", "box"] as const);
  return { id, headline: random.pick(HEADLINES), ground, product, shape, warmth, lightness };
}

function hex(channels: readonly number[]): string {
  return `#${channels.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`;
}

export interface Impression {
  readonly campaign: Campaign;
  readonly creative: Creative;
  readonly device: "phone" | "desktop" | "tablet";
  /** 1 is the best place on the page. */
  readonly position: number;
  readonly hour: number;
  readonly drifted: boolean;
}

/**
 * Before the drift people click on warm banners; after it on light ones, and "free" has lost its charm.
 */
export function clickProbability({
  campaign,
  creative,
  device,
  position,
  hour,
  drifted,
}: Impression): number {
  const { headline, warmth, lightness } = creative;
  const look = drifted ? 1.8 * (lightness - 0.5) : 2.2 * (warmth - 0.5);
  const free = headline.toLowerCase().includes("free") ? (drifted ? -0.3 : 0.6) : 0;
  const place = -0.35 * (position - 1);
  const evening = hour >= 18 ? 0.4 : 0;
  const small = device === "phone" ? -0.2 : 0;
  const logOdds = -2 + campaign.appeal + look + free + place + evening + small;
  return 1 / (1 + Math.exp(-logOdds));
}
