/** Pixels in rows from top to bottom, three bytes each: red, green, blue of sRGB. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export interface PixelFacts {
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  readonly redMean: number;
  readonly greenMean: number;
  readonly blueMean: number;
  readonly redDeviation: number;
  readonly greenDeviation: number;
  readonly blueDeviation: number;
  /** The difference hash: 16 hexadecimal digits. */
  readonly hash: string;
}

/** Most rows and columns of pixels that are looked at: enough for statistics, and well below a millisecond of work. */
const MOST_SAMPLES = 128;
/** Rec. 709 in 256ths, so that luma is a whole number. */
const LUMA_SCALE = 256;
/** The difference hash compares neighbours in a grid of 9 × 8 cells. */
const HASH_COLUMNS = 9;
const HASH_ROWS = 8;

/**
 * What pixels look like, over an even grid of at most 128 × 128 of them: sums of whole numbers, so the result is the same on
 * every machine.
 */
export function pixelFacts({ width, height, data }: Pixels): PixelFacts {
  const columns = samplesOf(width);
  const rows = samplesOf(height);
  const lumas = new Float64Array(rows.length * columns.length);
  const red = new Moments();
  const green = new Moments();
  const blue = new Moments();
  const luma = new Moments();
  let saturation = 0;
  let sample = 0;
  for (const row of rows) {
    for (const column of columns) {
      const at = (row * width + column) * 3;
      const r = data[at]!;
      const g = data[at + 1]!;
      const b = data[at + 2]!;
      const y = 54 * r + 183 * g + 19 * b;
      lumas[sample++] = y;
      red.add(r);
      green.add(g);
      blue.add(b);
      luma.add(y);
      const most = Math.max(r, g, b);
      if (most > 0) saturation += (most - Math.min(r, g, b)) / most;
    }
  }
  return {
    brightness: luma.mean() / LUMA_SCALE,
    contrast: luma.deviation() / LUMA_SCALE,
    saturation: saturation / lumas.length,
    redMean: red.mean(),
    greenMean: green.mean(),
    blueMean: blue.mean(),
    redDeviation: red.deviation(),
    greenDeviation: green.deviation(),
    blueDeviation: blue.deviation(),
    hash: differenceHash(lumas, { columns: columns.length, rows: rows.length }),
  };
}

/** The middles of as many even stretches as there are samples. */
function samplesOf(length: number): number[] {
  const samples = Math.min(length, MOST_SAMPLES);
  return Array.from({ length: samples }, (_, at) => Math.floor(((2 * at + 1) * length) / (2 * samples)));
}

/** Mean and standard deviation of whole numbers. */
class Moments {
  #count = 0;
  #sum = 0;
  #squares = 0;

  add(value: number): void {
    this.#count += 1;
    this.#sum += value;
    this.#squares += value * value;
  }

  mean(): number {
    return this.#sum / this.#count;
  }

  /** Of the population. */
  deviation(): number {
    const spread = this.#count * this.#squares - this.#sum * this.#sum;
    return Math.sqrt(Math.max(0, spread)) / this.#count;
  }
}

/**
 * The difference hash (dHash, N. Krawetz, "Kind of Like That", 2013): luma is averaged over 9 × 8 cells, and each of the 64
 * bits, row by row from the top, says whether a cell is darker than the one to its right. Small changes of an image — its
 * size, its compression, its brightness — change few bits.
 *
 * @param lumas of a grid, row by row
 */
function differenceHash(
  lumas: Float64Array,
  grid: { readonly columns: number; readonly rows: number },
): string {
  let hash = 0n;
  for (let y = 0; y < HASH_ROWS; y++) {
    const rows = cellRange(y, HASH_ROWS, grid.rows);
    let left: Cell | undefined;
    for (let x = 0; x < HASH_COLUMNS; x++) {
      const columns = cellRange(x, HASH_COLUMNS, grid.columns);
      const cell = cellOf(lumas, { columns, rows, stride: grid.columns });
      // The averages, compared without rounding.
      if (left !== undefined) hash = (hash << 1n) | (left.sum * cell.count < cell.sum * left.count ? 1n : 0n);
      left = cell;
    }
  }
  return hash.toString(16).padStart(16, "0");
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Which of `samples` belong to cell `cell` of `cells`: at least one, in small images the same as the next one's. */
function cellRange(cell: number, cells: number, samples: number): Range {
  const from = Math.floor((cell * samples) / cells);
  return { from, to: Math.max(from + 1, Math.floor(((cell + 1) * samples) / cells)) };
}

interface Cell {
  readonly sum: number;
  readonly count: number;
}

function cellOf(
  lumas: Float64Array,
  { columns, rows, stride }: { readonly columns: Range; readonly rows: Range; readonly stride: number },
): Cell {
  let sum = 0;
  for (let row = rows.from; row < rows.to; row++) {
    for (let column = columns.from; column < columns.to; column++) sum += lumas[row * stride + column]!;
  }
  return { sum, count: (rows.to - rows.from) * (columns.to - columns.from) };
}

/** In how many of the 64 bits two hashes differ. */
export function hashDistance(a: string, b: string): number {
  let bits = 0;
  for (let rest = BigInt(`0x${a}`) ^ BigInt(`0x${b}`); rest > 0n; rest &= rest - 1n) bits += 1;
  return bits;
}
