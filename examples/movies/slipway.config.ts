import { join } from "node:path";
import { atLeast, byTime, csv, dataset, gbdt, model } from "slipway";

/** Where the unpacked MovieLens files are (https://grouplens.org/datasets/movielens), any of its sizes. */
const folder = process.env.MOVIELENS ?? "ml-latest-small";

export const ratings = dataset({
  source: csv(join(folder, "ratings.csv"), { timestampFormat: "epoch-seconds" }),
  columns: {
    userId: "category",
    movieId: "category",
    // Half stars to five; nobody knows them before they are given.
    rating: { type: "float", known: "after" },
    timestamp: "timestamp",
  },
  time: "timestamp",
});

const ever = "36500d";
const atOnce = "0s";

/** Will this user give this movie four stars or more? */
export const liked = model({
  from: ratings,
  target: (row) => row.rating.atLeast(4),
  features: (c, past) => {
    const movie = past.column("rating").mean({ by: c.movieId, over: ever, knownAfter: atOnce });
    const user = past.column("rating").mean({ by: c.userId, over: ever, knownAfter: atOnce });
    const everybody = past.column("rating").mean({ over: "365d", knownAfter: atOnce });
    return {
      movie,
      user,
      movieAboveAll: movie.subtract(everybody),
      userAboveAll: user.subtract(everybody),
      movieLiked: past.target.rate({ by: c.movieId, over: ever, knownAfter: atOnce }),
      userLiked: past.target.rate({ by: c.userId, over: ever, knownAfter: atOnce }),
      movieRatings: past.target.count({ by: c.movieId, over: ever, knownAfter: atOnce }).log1p(),
      userRatings: past.target.count({ by: c.userId, over: ever, knownAfter: atOnce }).log1p(),
      movieLately: past.target.rate({ by: c.movieId, over: "365d", knownAfter: atOnce }),
      userLately: past.target.rate({ by: c.userId, over: "1d", knownAfter: atOnce }),
      userLowest: past.column("rating").minimum({ by: c.userId, over: ever, knownAfter: atOnce }),
    };
  },
  // Every movie that has ever been rated can be recommended.
  items: { key: "movieId" },
  split: byTime({ evaluateFrom: { share: 0.2 } }),
  trainer: gbdt({ trees: 150, leaves: 16, learningRate: 0.05, earlyStoppingRounds: 20 }),
  gates: [atLeast("auc", 0.7, { confidence: 0.95 })],
});
