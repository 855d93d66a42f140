import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SlipwayError } from "../../kernel/index.ts";
import { createEnsembleEngine, decodeEnsemble, encodeEnsemble, readOriginModel } from "../index.ts";
import { type OriginFormat, originFormats } from "./origin-model.ts";

interface Case {
  readonly format: OriginFormat;
  readonly text?: string;
  readonly base64?: string;
  readonly refused?: string;
}

const cases: readonly Case[] = JSON.parse(
  readFileSync(new URL("../../../test/golden/origin-models.json", import.meta.url), "utf8"),
);

/** The smaller half of the golden models of a format. */
function filesOf(format: OriginFormat): Buffer[] {
  const files = cases
    .filter((one) => one.format === format && one.refused === undefined)
    .map(({ text, base64 }) =>
      base64 === undefined ? Buffer.from(text ?? "") : Buffer.from(base64, "base64"),
    )
    .sort((left, right) => left.length - right.length);
  return files.slice(0, Math.ceil(files.length / 2));
}

/** One thing that can happen to a file, at a place given as a share of its length. */
const damage = fc.oneof(
  fc.record({ kind: fc.constant("cut" as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({
    kind: fc.constantFrom("overwrite" as const, "insert" as const),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    bytes: fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 8 }),
      fc
        .constantFrom(
          "-",
          "9",
          "99999999999",
          "nan",
          "inf",
          "{",
          "]",
          "0",
          " ",
          "\n",
          "\u00ff\u00ff\u00ff\u007f",
        )
        .map((text) => Uint8Array.from(Buffer.from(text, "latin1"))),
    ),
  }),
  fc.record({
    kind: fc.constant("drop" as const),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    count: fc.integer({ min: 1, max: 40 }),
  }),
);

function damaged(
  file: Buffer,
  what: typeof damage extends fc.Arbitrary<infer Damage> ? Damage : never,
): Buffer {
  const at = Math.floor(what.at * file.length);
  switch (what.kind) {
    case "cut":
      return file.subarray(0, at);
    case "drop":
      return Buffer.concat([file.subarray(0, at), file.subarray(at + what.count)]);
    case "insert":
      return Buffer.concat([file.subarray(0, at), what.bytes, file.subarray(at)]);
    case "overwrite":
      return Buffer.concat([file.subarray(0, at), what.bytes, file.subarray(at + what.bytes.length)]);
  }
}

/** Reads what may be a model: either it is one that answers, or an error of this room says why not. */
function readOrRefuse(read: () => ReturnType<typeof readOriginModel>["ensemble"]): void {
  try {
    const ensemble = read();
    const engine = createEnsembleEngine(ensemble);
    const out = new Float64Array(engine.outputs);
    for (const value of [0, -1.5, 3, Number.NaN, 1e300])
      engine.predictInto(new Float64Array(engine.featureCount).fill(value), out);
  } catch (thrown) {
    if (!(thrown instanceof SlipwayError)) throw thrown;
    expect(thrown.code).toMatch(/^INFERENCE_/);
  }
}

describe("a damaged model file is refused or is a model, and never more", () => {
  // A description of a remote model has no model in it.
  for (const format of originFormats.filter((one) => one !== "remote")) {
    const files = filesOf(format);
    it(`${format}, recognised and named`, () => {
      fc.assert(
        fc.property(
          fc.nat(files.length - 1),
          fc.array(damage, { minLength: 1, maxLength: 3 }),
          fc.boolean(),
          (file, damages, named) => {
            const bytes = damages.reduce(damaged, files[file]!);
            readOrRefuse(() => readOriginModel(bytes, named ? format : undefined).ensemble);
          },
        ),
        { numRuns: 400 },
      );
    });

    it(`${format}, cut anywhere`, () => {
      const [file = Buffer.alloc(0)] = files;
      for (let length = 0; length < file.length; length += Math.ceil(file.length / 500))
        readOrRefuse(() => readOriginModel(file.subarray(0, length), format).ensemble);
    });
  }

  it("nothing at all, and noise", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom(undefined, ...originFormats),
        (bytes, format) => readOrRefuse(() => readOriginModel(bytes, format).ensemble),
      ),
      { numRuns: 400 },
    );
  });

  it("our own file, past its checksum", () => {
    const own = encodeEnsemble(readOriginModel(filesOf("lightgbm")[0]!).ensemble);
    fc.assert(
      fc.property(damage, (what) => {
        const bytes = damaged(Buffer.from(own), what);
        if (bytes.equals(own)) return;
        expect(() => decodeEnsemble(bytes.length < 16 ? new Uint8Array(16) : bytes)).toThrowError(
          expect.objectContaining({ code: "INFERENCE_DAMAGED_MODEL" }),
        );
      }),
      { numRuns: 200 },
    );
  });
});
