import type { Settings } from "../config/index.ts";

/** Where a project lies and how it is to be run. */
export interface ProjectLocation {
  /** Folder that holds the configuration. */
  readonly projectRoot: string;
  /** Absolute; it need not exist yet. */
  readonly stateDirectory: string;
  readonly settings: Settings;
}
