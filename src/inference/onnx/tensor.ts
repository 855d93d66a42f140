/** The arrays that hold the values of a tensor, by its element type. Booleans are bytes of 0 and 1. */
export const tensorArrays = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;

export type NumericTensorType = keyof typeof tensorArrays;
/** Sixteen-bit floats come and go as float32: a session converts them. */
export type TensorType = NumericTensorType | "string";

export type NumericTensor = {
  [Type in NumericTensorType]: {
    readonly type: Type;
    /** Extents, outermost first; none for a single value. */
    readonly shape: readonly number[];
    /** As many as the product of the extents, last one fastest. */
    readonly data: InstanceType<(typeof tensorArrays)[Type]>;
  };
}[NumericTensorType];

export interface StringTensor {
  readonly type: "string";
  readonly shape: readonly number[];
  readonly data: readonly string[];
}

export type OnnxTensor = NumericTensor | StringTensor;

/** Values in a tensor of this shape. */
export function tensorSize(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** An input or output of a graph as the graph declares it. */
export interface TensorDeclaration {
  readonly name: string;
  readonly type: TensorType;
  /** Extents, outermost first; undefined for one that every call may choose. */
  readonly shape: readonly (number | undefined)[];
  /** Where the output is the values of a map (ZipMap): the keys, in their order along the last axis. */
  readonly classes?: readonly string[];
}
