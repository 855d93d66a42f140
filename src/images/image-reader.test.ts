import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { sharedData } from "../../test/shared-data.ts";
import { writeGraph } from "../inference/testing/write-graph.ts";
import { type ImageReader, openImageReader } from "./image-reader.ts";
import { decodeBase64, readImageText } from "./image-text.ts";
import { hashDistance, pixelFacts } from "./pixel-facts.ts";
import { pngOf } from "./testing/png.ts";

const open: ImageReader[] = [];
afterEach(async () => {
  for (const reader of open.splice(0)) await reader.close();
});

async function reader(options?: Parameters<typeof openImageReader>[0]): Promise<ImageReader> {
  const opened = await openImageReader(options);
  open.push(opened);
  return opened;
}

describe("what is known of an image", () => {
  it("is what its pixels say", async () => {
    const half = pngOf({ width: 8, height: 4 }, (x) => (x < 4 ? [255, 0, 0] : [0, 0, 0]));
    const facts = await (await reader()).read(half);
    expect(facts).toMatchObject({ width: 8, height: 4, aspect: 2, bytes: half.length });
    expect(facts).toMatchObject({ redMean: 127.5, redDeviation: 127.5, greenMean: 0, blueDeviation: 0 });
    expect(facts.saturation).toBe(0.5);
    expect(facts.brightness).toBeCloseTo((54 * 255) / 256 / 2, 10);
    expect(facts.contrast).toBeCloseTo((54 * 255) / 256 / 2, 10);
    expect(facts.hash).toBe("0000000000000000");
  });

  it("is the same for a photograph however often it is asked", async () => {
    const path = sharedData("clothing-images/images.csv");
    if (path === undefined) return;
    const [, first] = readFileSync(path, "utf8").split("\n");
    const bytes = readFileSync(path.replace("images.csv", first!.split(",")[0]!));
    const one = await reader();
    const facts = await Promise.all(Array.from({ length: 4 }, () => one.read(bytes)));
    expect(new Set(facts.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(facts[0]).toMatchObject({ width: 400, height: 711 });
  });

  it("keeps its hash when a picture is scaled, and loses it for another", () => {
    const wave = (size: number, turn: number) => {
      const data = new Uint8Array(size * size * 3);
      for (let y = 0; y < size; y++)
        for (let x = 0; x < size; x++) {
          const value = Math.round(127 + 120 * Math.sin((x * 9 * (1 + turn) + y * 4) / size));
          data.fill(value, (y * size + x) * 3, (y * size + x) * 3 + 3);
        }
      return pixelFacts({ width: size, height: size, data }).hash;
    };
    expect(hashDistance(wave(300, 0), wave(90, 0))).toBeLessThan(4);
    expect(hashDistance(wave(300, 0), wave(300, 1))).toBeGreaterThan(12);
  });

  it("has no NaN whatever the pixels and the size", () => {
    const size = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(size, size, fc.integer(), (width, height, seed) => {
        const data = Uint8Array.from(
          { length: width * height * 3 },
          (_, at) => Math.imul(seed + at, 2654435761) >>> 24,
        );
        const { hash, ...numbers } = pixelFacts({ width, height, data });
        expect(hash).toMatch(/^[0-9a-f]{16}$/);
        for (const value of Object.values(numbers)) expect(value >= 0 && value <= 255).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

describe("an image is refused", () => {
  const png = pngOf({ width: 30, height: 30 }, (x, y) => [x * 8, y * 8, (x * y) % 256]);

  it("when it is cut off, empty, or none", async () => {
    const one = await reader();
    for (const [bytes, reason] of [
      [png.subarray(0, 200), /is no whole PNG image/],
      [Buffer.alloc(0), /is empty/],
      [Buffer.from("%PDF-1.7"), /is none of JPEG, PNG/],
      [Buffer.from('<?xml version="1.0"?><svg/>'), /is SVG/],
    ] as const) {
      await expect(one.read(bytes)).rejects.toMatchObject({
        code: "IMAGES_BAD_IMAGE",
        message: expect.stringMatching(reason),
      });
    }
  });

  it("before it is unpacked when it has too many bytes or pixels", async () => {
    const bomb = pngOf({ width: 1, height: 1 }, () => [0, 0, 0]);
    // The header says 60,000 × 60,000.
    bomb.writeUInt32BE(60_000, 16);
    bomb.writeUInt32BE(60_000, 20);
    await expect((await reader()).read(bomb)).rejects.toMatchObject({
      code: expect.stringMatching(/^IMAGES_(TOO_LARGE|BAD_IMAGE)$/),
    });
    const small = await reader({ limits: { maxBytes: 1_000_000, maxPixels: 899 } });
    await expect(small.read(png)).rejects.toMatchObject({
      code: "IMAGES_TOO_LARGE",
      message: "the image has 900 pixels, more than the 899 that are allowed",
    });
    const short = await reader({ limits: { maxBytes: 100, maxPixels: 1e6 } });
    await expect(short.read(png)).rejects.toMatchObject({ code: "IMAGES_TOO_LARGE" });
  });
});

describe("a text is read as", () => {
  it("an image when it is base64 or a data URL of one, as a path otherwise", () => {
    const base64 = pngOf({ width: 1, height: 1 }, () => [1, 2, 3]).toString("base64");
    expect(readImageText(base64).kind).toBe("base64");
    expect(readImageText(`data:image/png;base64,${base64}`)).toEqual({ kind: "base64", base64 });
    for (const path of ["a.jpg", "/9j/photo.jpg", "iVBORw0KGgo", "folder/AAAA.png", ""])
      expect(readImageText(path)).toEqual({ kind: "path", path });
    expect(() => decodeBase64("not base64!")).toThrow(/is not base64/);
  });
});

/** The mean of each channel, by the layout of its input. */
const means = (layout: "NCHW" | "NHWC") =>
  writeGraph({
    inputs: [{ name: "x", type: "float", shape: layout === "NCHW" ? [1, 3, 2, 4] : [1, 2, 4, 3] }],
    outputs: [{ name: "y", type: "float", shape: [1, 3] }],
    nodes: [
      {
        op: "ReduceMean",
        inputs: ["x"],
        outputs: ["y"],
        attributes: { axes: layout === "NCHW" ? [2, 3] : [1, 2], keepdims: 0 },
      },
    ],
  });

describe("an embedding", () => {
  const size = { width: 4, height: 2 };
  const picture = pngOf(size, (x) => (x < 2 ? [255, 51, 0] : [0, 51, 0]));

  it("is what the graph makes of the normalised pixels, in each layout and order of channels", async () => {
    for (const layout of ["NCHW", "NHWC"] as const) {
      const one = await reader({ embedding: { options: { ...size, layout }, model: means(layout) } });
      expect(one.embedding).toMatchObject({ size: 3, input: "x", output: "y", layout });
      const { embedding } = await one.read(picture);
      expect([...embedding!].map((value) => Math.round(value * 1e6) / 1e6)).toEqual([0.5, 0.2, 0]);
    }
    const options = { ...size, channels: "BGR", mean: [0.5, 0, 0], deviation: [1, 1, 0.5] } as const;
    const turned = await reader({ embedding: { options, model: means("NCHW") } });
    const { embedding } = await turned.read(picture);
    expect([...embedding!].map((value) => Math.round(value * 1e6) / 1e6)).toEqual([-0.5, 0.2, 1]);
  });

  it("sees an image of another size scaled, and cut or stretched", async () => {
    const wide = pngOf({ width: 40, height: 4 }, (x) => (x < 16 || x >= 24 ? [255, 0, 0] : [0, 0, 255]));
    const seen = async (fit: "cover" | "fill") => {
      const one = await reader({ embedding: { options: { ...size, fit }, model: means("NCHW") } });
      return (await one.read(wide)).embedding!;
    };
    expect((await seen("cover"))[2]).toBeCloseTo(1, 1);
    expect((await seen("fill"))[0]).toBeGreaterThan(0.7);
  });

  it("is refused when the graph does not fit what is said of it", async () => {
    const cases = [
      [
        { ...size, layout: "NHWC" },
        means("NCHW"),
        /its input "x" is float32 of 1 × 3 × 2 × 4, the project says/,
      ],
      [{ ...size, output: "z" }, means("NCHW"), /it has no output "z"; it has y/],
      [{ ...size, input: "image" }, means("NCHW"), /it has no input "image"/],
    ] as const;
    for (const [options, model, message] of cases) {
      await expect(openImageReader({ embedding: { options, model } })).rejects.toMatchObject({
        code: "IMAGES_BAD_EMBEDDING",
        message: expect.stringMatching(message),
      });
    }
    const noGraph = openImageReader({ embedding: { options: size, model: Buffer.from("no graph") } });
    await expect(noGraph).rejects.toMatchObject({ code: expect.stringMatching(/^INFERENCE_/) });
  });
});
