/**
 * Who reads the prediction log, who compacts it and who removes parts of it: any number of readers at once, or one that
 * removes. All of them are handlers and tasks of one control plane.
 */
export class LogUse {
  #readers = 0;
  #copying = 0;
  #removing: Promise<unknown> | undefined;
  #compacting: Promise<unknown> | undefined;

  /** Runs while nothing is removed. */
  async read<Result>(work: () => Promise<Result>): Promise<Result> {
    while (this.#removing !== undefined) await this.#removing;
    this.#readers++;
    try {
      return await work();
    } finally {
      this.#readers--;
    }
  }

  /** Runs while nothing of the log changes but that more is written: for who copies its files. */
  async copy<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#copying++;
    try {
      while (this.#compacting !== undefined) await this.#compacting;
      return await this.read(work);
    } finally {
      this.#copying--;
    }
  }

  /** Runs while nobody copies the log, or not at all. */
  async compact<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    if (this.#copying > 0 || this.#compacting !== undefined) return undefined;
    const compacting = work();
    this.#compacting = Promise.allSettled([compacting]);
    try {
      return await compacting;
    } finally {
      this.#compacting = undefined;
    }
  }

  /** Runs while nobody reads, or not at all: what is to be removed can wait, readers may take long. */
  async remove<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    if (this.#readers > 0 || this.#removing !== undefined) return undefined;
    const removing = work();
    // Whoever waits for the end does not care how it ended.
    this.#removing = Promise.allSettled([removing]);
    try {
      return await removing;
    } finally {
      this.#removing = undefined;
    }
  }
}
