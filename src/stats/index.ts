export { drawPoissonCounts, quantileOfSorted, sampleRows } from "./bootstrap.ts";
export {
  jensenShannonDistance,
  kolmogorovSmirnovOfBins,
  largestShareDifference,
  populationStability,
  type SampleDistances,
  sampleDistances,
} from "./distances.ts";
export { sortedOrder } from "./sorted-order.ts";
