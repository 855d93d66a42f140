import type { DatabaseTarget } from "../storage/index.ts";
import type { ProjectLocation } from "./project-location.ts";
import type { StateDirectory } from "./state-directory.ts";

/** The database of a project: PostgreSQL where the settings name one, else SQLite in the state directory. */
export function databaseTarget(
  { settings }: Pick<ProjectLocation, "settings">,
  state: Pick<StateDirectory, "database">,
): DatabaseTarget {
  return settings.databaseUrl === undefined
    ? { sqlitePath: state.database }
    : { postgresUrl: settings.databaseUrl };
}
