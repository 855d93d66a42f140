import type { OpenBundle } from "../bundle/index.ts";
import { type FeatureKernel, type WindowProgram, windowProgram } from "../features/index.ts";

/** What a model has to do with windows. */
export interface PlanWindows {
  /** The derived values that an instance needs beside its record, in order; mostly none. */
  readonly derivedNames: readonly string[];
  /** Where derived values come from; undefined where there are none. */
  readonly windows: WindowProgram | undefined;
  /** The past that the bundle brings along for its windows, as `WindowState` writes it. */
  readonly windowSeed: Uint8Array | undefined;
}

export function planWindows({ windows }: OpenBundle, kernel: FeatureKernel): PlanWindows {
  return {
    derivedNames: kernel.derived.map(({ name }) => name),
    windows: windowProgram(kernel),
    windowSeed: windows,
  };
}
