/** A name that LightGBM, XGBoost and Parquet all take: what is neither letter nor digit nor one of `_ . = -` becomes `_`. */
export function plainName(name: string): string {
  return name.replace(/[^\p{L}\p{N}_.=-]/gu, "_");
}

/** `Column_3`, `f3`, `x_3`, `input_3`: names that stand for nothing but the place. */
export function isNumbered(name: string, place: number): boolean {
  return /(\d+)$/.exec(name)?.[1] === String(place);
}
