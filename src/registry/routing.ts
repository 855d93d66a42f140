import type { Digest } from "../kernel/index.ts";
import { CHAMPION } from "./version.ts";

/**
 * What the data plane serves. Numbered in the transaction that changes it: a worker that has seen generation n takes up
 * none that is not greater.
 */
export interface RoutingDocument {
  readonly format: "slipway.routing/1";
  readonly generation: number;
  readonly models: readonly RoutedModel[];
}

export interface RoutedModel {
  readonly name: string;
  /** Every version that an alias names, ascending. */
  readonly versions: readonly { readonly version: number; readonly bundle: Digest }[];
  readonly champion: number;
  /** All aliases, the champion included. */
  readonly aliases: Readonly<Record<string, number>>;
}

export interface AliasedVersion {
  readonly model: string;
  readonly alias: string;
  readonly version: number;
  readonly bundle: Digest;
}

/** The document in one order whatever the order of `aliased`. Models without a champion are not served. */
export function routingDocument(generation: number, aliased: readonly AliasedVersion[]): RoutingDocument {
  const models: RoutedModel[] = [];
  for (const [name, entries] of Map.groupBy(aliased, ({ model }) => model)) {
    const champion = entries.find(({ alias }) => alias === CHAMPION);
    if (champion === undefined) continue;
    const versions = new Map(entries.map(({ version, bundle }) => [version, { version, bundle }]));
    models.push({
      name,
      versions: [...versions.values()].sort((a, b) => a.version - b.version),
      champion: champion.version,
      aliases: Object.fromEntries(
        entries.map(({ alias, version }) => [alias, version] as const).sort(([a], [b]) => compare(a, b)),
      ),
    });
  }
  models.sort((a, b) => compare(a.name, b.name));
  return { format: "slipway.routing/1", generation, models };
}

/** By code units: databases collate texts in their own ways. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
