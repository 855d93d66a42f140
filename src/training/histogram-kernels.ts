import { BIN_BYTES } from "./bin-bytes.ts";
import {
  type Code,
  f64,
  i32,
  i64,
  i64x2,
  type Local,
  repeatWhile,
  sequence,
  v128,
  type WasmFunction,
  wasmFunction,
} from "./wasm-writer.ts";

type Locals5 = [Local, Local, Local, Local, Local];

/** Adds the gradients of rows to the histograms of a group of features: see `HistogramKernel`. */
export function histogramKernel(name: string, offsets: readonly number[]): WasmFunction {
  return wasmFunction(name, { parameters: ["i32", "i32", "i32", "i32", "i32"] }, ({ parameters, local }) => {
    const [histogram, index, indexEnd, bins, gradients] = parameters as Locals5;
    const row = local("i32");
    const values = local("v128");
    const bin = local("i32");
    const rowBins = offsets.length === 1 ? row.get : i32.mul(row.get, i32.const(offsets.length));
    return repeatWhile(
      i32.ltU(index.tee(i32.add(index.get, i32.const(4))), indexEnd.get),
      sequence(
        row.set(i32.load(index.get)),
        values.set(v128.load(i32.add(gradients.get, i32.shl(row.get, i32.const(4))))),
        row.set(i32.add(bins.get, rowBins)),
        ...offsets.map((offset, feature) =>
          sequence(
            bin.set(i32.add(histogram.get, i32.shl(i32.load8(row.get, feature), i32.const(4)))),
            v128.store(
              bin.get,
              i64x2.add(v128.load(bin.get, offset * BIN_BYTES), values.get),
              offset * BIN_BYTES,
            ),
          ),
        ),
      ),
    );
  });
}

/** Adds one histogram to another, or subtracts it. */
export function combineKernel(name: string, combine: (a: Code, b: Code) => Code): WasmFunction {
  return wasmFunction(name, { parameters: ["i32", "i32", "i32"] }, ({ parameters, local }) => {
    const [target, source, bytes] = parameters as [Local, Local, Local];
    const end = local("i32");
    return sequence(
      end.set(i32.add(target.get, bytes.get)),
      repeatWhile(
        i32.ltU(target.get, end.get),
        sequence(
          v128.store(target.get, combine(v128.load(target.get), v128.load(source.get))),
          target.set(i32.add(target.get, i32.const(BIN_BYTES))),
          source.set(i32.add(source.get, i32.const(BIN_BYTES))),
        ),
      ),
    );
  });
}

/** Turns integers into doubles: see `GbdtKernels.unpack`. */
export function unpackKernel(countShift: number): WasmFunction {
  return wasmFunction(
    "unpack",
    { parameters: ["i32", "i32", "i32", "f64", "f64"] },
    ({ parameters, local }) => {
      const [histogram, bins, out, gradientUnit, hessianUnit] = parameters as Locals5;
      const end = local("i32");
      const packed = local("i64");
      const mask = (1n << BigInt(countShift)) - 1n;
      return sequence(
        end.set(i32.add(out.get, i32.shl(bins.get, i32.const(3)))),
        repeatWhile(
          i32.ltU(out.get, end.get),
          sequence(
            packed.set(i64.load(histogram.get, 8)),
            f64.store(out.get, f64.mul(f64.fromI64(i64.load(histogram.get)), gradientUnit.get)),
            f64.store(
              out.get,
              f64.mul(f64.fromI64(i64.and(packed.get, i64.const(mask))), hessianUnit.get),
              2048,
            ),
            f64.store(out.get, f64.fromI64(i64.shrU(packed.get, i64.const(BigInt(countShift)))), 4096),
            histogram.set(i32.add(histogram.get, i32.const(BIN_BYTES))),
            out.set(i32.add(out.get, i32.const(8))),
          ),
        ),
      );
    },
  );
}
