import { expect, it } from "vitest";
import { DistinctSketch } from "./distinct-sketch.ts";
import { hashBytes, hashWords, viewOf } from "./hashing.ts";

it("hashes as MurmurHash3 does", () => {
  const hash = (text: string): number => {
    const bytes = Buffer.from(`..${text}`);
    return hashBytes(viewOf(bytes), 2, bytes.length) >>> 0;
  };
  // Published test vectors of MurmurHash3_x86_32 with seed 0.
  expect(hash("")).toBe(0);
  expect(hash("test")).toBe(0xba6bd213);
  expect(hash("Hello, world!")).toBe(0xc0363e43);
  expect(hash("The quick brown fox jumps over the lazy dog")).toBe(0x2e4ff723);
});

it("counts few values almost exactly and many within a few standard errors", () => {
  for (const size of [0, 1, 2, 10, 50, 1000, 5000, 50_000, 1_000_000]) {
    const sketch = new DistinctSketch();
    for (let i = 0; i < size; i++) sketch.add(hashWords(i, 7));
    for (let i = 0; i < Math.min(size, 1000); i++) sketch.add(hashWords(i, 7));
    expect(Math.abs(sketch.estimate() - size)).toBeLessThanOrEqual(size <= 50 ? 3 : size * 0.08);
  }
});

it("counts whole numbers, fractions and both signs as well", () => {
  const words = (value: number): [number, number] => {
    const [low = 0, high = 0] = new Int32Array(Float64Array.of(value).buffer);
    return [low, high];
  };
  for (const of of [
    (i: number) => i,
    (i: number) => -i * 64,
    (i: number) => i / 7,
    (i: number) => 1.6e12 + i * 1000,
  ]) {
    const sketch = new DistinctSketch();
    for (let i = 1; i <= 100_000; i++) sketch.add(hashWords(...words(of(i))));
    expect(Math.abs(sketch.estimate() - 100_000)).toBeLessThan(8000);
  }
});

it("merges to the sketch of the union, and survives being written down", () => {
  const left = new DistinctSketch();
  const right = new DistinctSketch();
  const both = new DistinctSketch();
  for (let i = 0; i < 3000; i++) {
    const hash = hashWords(i, 0);
    if (i < 2000) left.add(hash);
    if (i > 1000) right.add(hash);
    both.add(hash);
  }
  left.merge(DistinctSketch.decode(right.encode()));
  expect(left.encode()).toBe(both.encode());
  expect(() => DistinctSketch.decode("AAAA")).toThrow(/registers/);
});
