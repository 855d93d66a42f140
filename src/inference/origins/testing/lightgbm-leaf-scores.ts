import type { Rows } from "./number-rows.ts";

/** The scores that the leaves of each row have, read from the text of the model; leaves as LightGBM numbers them. */
export function lightgbmLeafScores(model: string, leaves: Rows): Rows {
  const values = [...model.matchAll(/^leaf_value=(.*)$/gm)].map(([, list = ""]) =>
    list.split(" ").map(Number),
  );
  return leaves.map((row) => [row.reduce((sum, leaf, tree) => sum + values[tree]![leaf]!, 0)]);
}
