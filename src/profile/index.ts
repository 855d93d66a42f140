export type { CategorySummary, ValueCount } from "./category-accumulator.ts";
export {
  BLOCK_ROWS,
  type CategoryProfile,
  CategoryProfiler,
  type ColumnProfile,
  type NumberProfile,
  NumberProfiler,
  type Numbers,
  type TextProfile,
  TextProfiler,
  type Texts,
} from "./column-profiler.ts";
export { compareColumns, type Distance } from "./compare-columns.ts";
export { profileErrors } from "./errors.ts";
export type { NumberSummary } from "./number-accumulator.ts";
export { binBounds, type HistogramDocument } from "./number-histogram.ts";
export { buildProfile, mergeProfiles, type Profile } from "./profile.ts";
export { StringInterner } from "./string-interner.ts";
