import {
  clearMemory,
  copyMemory,
  f64,
  i32,
  type Local,
  repeatWhile,
  select,
  sequence,
  type WasmFunction,
  wasmFunction,
} from "./wasm-writer.ts";

type Locals4 = [Local, Local, Local, Local];
type Locals5 = [Local, Local, Local, Local, Local];
type Locals6 = [Local, Local, Local, Local, Local, Local];

/** The kernels that go through rows one by one: see `GbdtKernels`. */
export function rowKernels(): WasmFunction[] {
  return [
    partitionKernel(),
    addToScoresKernel(),
    walkKernel(),
    numberRowsKernel(),
    assignBinsKernel(),
    interleaveKernel(),
    copyKernel(),
    clearKernel(),
  ];
}

function partitionKernel(): WasmFunction {
  return wasmFunction(
    "partition",
    { parameters: ["i32", "i32", "i32", "i32", "i32", "i32"], result: "i32" },
    ({ parameters, local }) => {
      const [index, indexEnd, column, table, left, right] = parameters as Locals6;
      const row = local("i32");
      const step = local("i32");
      const first = local("i32");
      return sequence(
        first.set(left.get),
        repeatWhile(
          i32.ltU(index.tee(i32.add(index.get, i32.const(4))), indexEnd.get),
          sequence(
            row.set(i32.load(index.get)),
            step.set(i32.load8(i32.add(table.get, i32.load8(i32.add(column.get, row.get))))),
            i32.store(left.get, row.get),
            i32.store(right.get, row.get),
            left.set(i32.add(left.get, step.get)),
            right.set(i32.add(right.get, i32.sub(i32.const(4), step.get))),
          ),
        ),
        i32.shrU(i32.sub(left.get, first.get), i32.const(2)),
      );
    },
  );
}

function addToScoresKernel(): WasmFunction {
  return wasmFunction(
    "addToScores",
    { parameters: ["i32", "i32", "i32", "f64"] },
    ({ parameters, local }) => {
      const [index, indexEnd, score, value] = parameters as Locals4;
      const place = local("i32");
      return repeatWhile(
        i32.ltU(index.tee(i32.add(index.get, i32.const(4))), indexEnd.get),
        sequence(
          place.set(i32.add(score.get, i32.shl(i32.load(index.get), i32.const(3)))),
          f64.store(place.get, f64.add(f64.load(place.get), value.get)),
        ),
      );
    },
  );
}

function walkKernel(): WasmFunction {
  return wasmFunction(
    "walk",
    { parameters: ["i32", "i32", "i32", "i32", "i32", "i32"] },
    ({ parameters, local }) => {
      const [index, indexEnd, nodes, tables, leaves, score] = parameters as Locals6;
      const row = local("i32");
      const node = local("i32");
      const place = local("i32");
      const bin = i32.load8(i32.add(i32.load(place.get), row.get));
      const step = i32.load8(i32.add(i32.add(tables.get, i32.shl(node.get, i32.const(8))), bin));
      // A step of 4 to the left leads to the integer at 4, a step of 0 to the one at 8.
      const child = i32.load(i32.sub(place.get, step), 8);
      return repeatWhile(
        i32.ltU(index.tee(i32.add(index.get, i32.const(4))), indexEnd.get),
        sequence(
          row.set(i32.load(index.get)),
          node.set(i32.const(0)),
          repeatWhile(
            i32.geS(node.get, i32.const(0)),
            sequence(place.set(i32.add(nodes.get, i32.mul(node.get, i32.const(12)))), node.set(child)),
          ),
          place.set(i32.add(score.get, i32.shl(row.get, i32.const(3)))),
          f64.store(
            place.get,
            f64.add(
              f64.load(place.get),
              f64.load(i32.add(leaves.get, i32.shl(i32.xor(node.get, i32.const(-1)), i32.const(3)))),
            ),
          ),
        ),
      );
    },
  );
}

function numberRowsKernel(): WasmFunction {
  return wasmFunction("numberRows", { parameters: ["i32", "i32", "i32"] }, ({ parameters }) => {
    const [index, row, rowEnd] = parameters as [Local, Local, Local];
    return repeatWhile(
      i32.ltU(row.tee(i32.add(row.get, i32.const(1))), rowEnd.get),
      sequence(i32.store(index.get, row.get), index.set(i32.add(index.get, i32.const(4)))),
    );
  });
}

function assignBinsKernel(): WasmFunction {
  return wasmFunction(
    "assignBins",
    { parameters: ["i32", "i32", "i32", "i32", "i32"] },
    ({ parameters, local }) => {
      const [values, rows, bounds, target, missingBin] = parameters as Locals5;
      const value = local("f64");
      const bin = local("i32");
      const end = local("i32");
      // A binary search without branches: every value takes the same eight steps.
      const search = [7, 6, 5, 4, 3, 2, 1, 0].map((power) => {
        const bound = f64.load(i32.add(bounds.get, i32.shl(bin.get, i32.const(3))), 8 * ((1 << power) - 1));
        return bin.set(i32.add(bin.get, i32.shl(f64.gt(value.get, bound), i32.const(power))));
      });
      return sequence(
        end.set(i32.add(target.get, rows.get)),
        repeatWhile(
          i32.ltU(target.tee(i32.add(target.get, i32.const(1))), end.get),
          sequence(
            value.set(f64.load(values.get)),
            values.set(i32.add(values.get, i32.const(8))),
            bin.set(i32.const(0)),
            ...search,
            i32.store8(target.get, select(bin.get, missingBin.get, f64.eq(value.get, value.get))),
          ),
        ),
      );
    },
  );
}

function interleaveKernel(): WasmFunction {
  return wasmFunction("interleave", { parameters: ["i32", "i32", "i32", "i32"] }, ({ parameters, local }) => {
    const [column, rows, target, width] = parameters as Locals4;
    const end = local("i32");
    return sequence(
      end.set(i32.add(column.get, rows.get)),
      repeatWhile(
        i32.ltU(column.tee(i32.add(column.get, i32.const(1))), end.get),
        sequence(i32.store8(target.get, i32.load8(column.get)), target.set(i32.add(target.get, width.get))),
      ),
    );
  });
}

function copyKernel(): WasmFunction {
  return wasmFunction("copy", { parameters: ["i32", "i32", "i32"] }, ({ parameters }) => {
    const [target, source, bytes] = parameters as [Local, Local, Local];
    return copyMemory(target.get, source.get, bytes.get);
  });
}

function clearKernel(): WasmFunction {
  return wasmFunction("clear", { parameters: ["i32", "i32"] }, ({ parameters }) => {
    const [target, bytes] = parameters as [Local, Local];
    return clearMemory(target.get, bytes.get);
  });
}
