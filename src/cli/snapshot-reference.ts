import { cliErrors } from "./errors.ts";
import { parseInstant } from "./instant.ts";

/** A dataset, and perhaps one of its snapshots by tag or digest: `flights`, `flights@3f9a12`, `flights@gold`. */
export interface SnapshotReference {
  readonly dataset: string;
  readonly snapshot?: string;
  readonly asOf?: string;
}

/** @throws CLI_USAGE */
export function parseSnapshotReference(text: string, asOf?: string): SnapshotReference {
  const at = text.indexOf("@");
  const dataset = at < 0 ? text : text.slice(0, at);
  const snapshot = at < 0 ? undefined : text.slice(at + 1);
  if (dataset === "" || snapshot === "") {
    throw cliErrors.CLI_USAGE.error(`"${text}" does not name a dataset`, {
      hint: "write flights, flights@3f9a12 or flights@tag",
    });
  }
  if (asOf === undefined) return snapshot === undefined ? { dataset } : { dataset, snapshot };
  if (snapshot === undefined) return { dataset, asOf: parseInstant("--as-of", asOf) };
  throw cliErrors.CLI_USAGE.error(`"${text}" names a snapshot already: leave out --as-of, or @${snapshot}`);
}
