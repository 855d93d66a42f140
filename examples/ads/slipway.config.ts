import { atLeast, byHash, byTime, csv, dataset, gbdt, image, model, notWorseThanChampion } from "slipway";

/** What the agency's bucket holds: a CSV of impressions a day, each row with the banner that was shown. */
export const impressions = dataset({
  source: csv("bucket/impressions/*.csv"),
  columns: {
    time: "timestamp",
    campaign: "category",
    vertical: "category",
    creative: "category",
    banner: image(),
    headline: "text",
    device: "category",
    position: "int",
    clicked: { type: "bool", known: "after" },
  },
  time: "time",
});

/** Will this impression be clicked? From where and when it is shown, and from what the banner looks like. */
export const click = model({
  from: impressions,
  target: (row) => row.clicked,
  features: (c, past) => ({
    hour: c.time.hourOfDay(),
    device: c.device,
    position: c.position,
    vertical: c.vertical,
    campaign: c.campaign.targetEncoded({ smoothing: 100 }),
    red: c.banner.mean("red"),
    blue: c.banner.mean("blue"),
    brightness: c.banner.brightness(),
    contrast: c.banner.contrast(),
    words: c.headline.wordsHashed(32),
    clicksOfCreative: past.target.mean({ by: c.creative, over: "7d", knownAfter: "1h" }),
  }),
  split: byTime({ evaluateFrom: "2026-04-04", until: "2026-04-10" }),
  trainer: gbdt({ trees: 120, leaves: 15, learningRate: 0.08, minRowsPerLeaf: 50 }),
  gates: [atLeast("auc", 0.6, { confidence: 0.95 }), notWorseThanChampion("logLoss", { margin: 0.005 })],
  slices: ["device"],
});

/**
 * The real thing: headlines that Upworthy tested against one another, with impressions and clicks. Put the archive's CSV
 * where UPWORTHY says, or into the bucket.
 */
export const headlines = dataset({
  source: csv(process.env.UPWORTHY ?? "bucket/upworthy_packages.csv"),
  columns: {
    clickability_test_id: "category",
    headline: "text",
    lede: "text",
    excerpt: "text",
    eyecatcher_id: "category",
    test_week: "int",
    impressions: { type: "int", known: "after" },
    clicks: { type: "int", known: "after" },
  },
});

/** The share of viewers who click on a headline; a creative that was shown more often counts more. */
export const clickRate = model({
  from: headlines,
  target: (row) => row.clicks.divide(row.impressions),
  weight: (row) => row.impressions,
  features: (c) => ({
    week: c.test_week,
    length: c.headline.length(),
    words: c.headline.wordCount(),
    wording: c.headline.wordsHashed(128),
    excerptWords: c.excerpt.wordCount(),
    ledeLength: c.lede.length(),
    image: c.eyecatcher_id.frequencyEncoded(),
  }),
  // Creatives of one test stay together: they were shown to the same crowd.
  split: byHash({ key: "clickability_test_id" }),
  trainer: gbdt({ trees: 150, leaves: 15, learningRate: 0.05, minRowsPerLeaf: 40 }),
  gates: [atLeast("r2", 0, { confidence: 0.95 })],
});
