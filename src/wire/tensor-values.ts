import { badRequest, type InputColumn, type InputRules } from "./prediction-body.ts";

/** Values in a tensor of these extents. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/**
 * Takes a V2 tensor apart into its instances: flat lists, or nested ones where the model leaves an extent open.
 *
 * A model with a batch axis has its instances along the first one; the tensor of one without may be a single instance.
 *
 * @param data the values, last axis fastest; nested lists are allowed
 */
export function splitTensor(
  given: { readonly shape: readonly number[]; readonly data: readonly unknown[] },
  column: InputColumn & { readonly shape: readonly number[] },
  rules: InputRules,
): { readonly instances: readonly unknown[] } {
  const { shape, data } = given;
  const at = { field: column.name };
  const isSingle = rules.unbatched && shape.length === column.shape.length;
  const inner = isSingle ? shape : shape.slice(1);
  const fits =
    inner.length === column.shape.length &&
    inner.every((extent, axis) => column.shape[axis] === -1 || column.shape[axis] === extent);
  const rows = isSingle ? 1 : (shape[0] ?? 0);
  if (!fits || rows < 1)
    throw badRequest(
      `input "${column.name}" has the shape ${JSON.stringify(shape)}; ${wantedShape(column.shape, rules)} is expected`,
      rules,
      at,
    );
  const flat = data.flat(Number.POSITIVE_INFINITY) as readonly unknown[];
  const size = sizeOf(inner);
  if (flat.length !== rows * size)
    throw badRequest(
      `input "${column.name}" has ${flat.length} values in "data" and the shape ${JSON.stringify(shape)}`,
      rules,
      at,
    );
  const isOpen = column.shape.includes(-1);
  return {
    instances: Array.from({ length: rows }, (_, row) => {
      const own = flat.slice(row * size, (row + 1) * size);
      return isOpen ? nested(inner, own) : own;
    }),
  };
}

function wantedShape(shape: readonly number[], { unbatched }: InputRules): string {
  const inner = shape.map((extent) => (extent === -1 ? "any" : extent));
  const rows = `[n${inner.map((extent) => `, ${extent}`).join("")}]`;
  return unbatched ? `[${inner.join(", ")}] or ${rows}` : rows;
}

/** A flat list as lists nested by the extents. */
export function nested(shape: readonly number[], values: readonly unknown[]): unknown {
  const [extent, ...inner] = shape;
  if (extent === undefined) return values[0];
  if (inner.length === 0) return values;
  const size = sizeOf(inner);
  return Array.from({ length: extent }, (_, i) => nested(inner, values.slice(i * size, (i + 1) * size)));
}
