/** Something that one worker logged. */
export interface Sourced {
  /** When it was logged, epoch milliseconds. */
  readonly time: number;
}

export interface Source<Item extends Sourced> {
  /** Of two items of the same time, that of the source with the smaller rank comes first. */
  readonly rank: string;
  /** In the order of the log, which is that of time but for a clock set back. */
  readonly items: AsyncIterator<Item>;
}

/** The items of several logs by time, those of one log in its order. Of each log one item is read ahead. */
export async function* mergeSources<Item extends Sourced>(
  sources: readonly Source<Item>[],
): AsyncGenerator<Item, void, undefined> {
  const heads: { source: Source<Item>; item: Item }[] = [];
  const draw = async (source: Source<Item>): Promise<void> => {
    const next = await source.items.next();
    if (!next.done) heads.push({ source, item: next.value });
  };
  try {
    for (const source of sources) await draw(source);
    while (heads.length > 0) {
      let first = 0;
      for (let at = 1; at < heads.length; at++) if (isBefore(heads[at]!, heads[first]!)) first = at;
      const [head] = heads.splice(first, 1);
      yield head!.item;
      await draw(head!.source);
    }
  } finally {
    // Whoever stops early must not leave their files open.
    for (const { items } of sources) await items.return?.();
  }
}

function isBefore(
  left: { readonly source: Source<Sourced>; readonly item: Sourced },
  right: { readonly source: Source<Sourced>; readonly item: Sourced },
): boolean {
  if (left.item.time !== right.item.time) return left.item.time < right.item.time;
  return left.source.rank < right.source.rank;
}
