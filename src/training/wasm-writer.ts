/**
 * Writes WebAssembly modules from nested expressions, so that the trainer's inner loops are readable source without a
 * second tool chain. Only what those loops need is here; the binary format and the opcodes are those of the
 * WebAssembly 2.0 specification (chapter 5), SIMD and bulk memory included.
 *
 * An expression is a tree of bytes, operands first: `i32.add(a, b)` is `[a, b, 0x6a]`.
 */
export type Code = readonly (number | Code)[];

export type ValueType = "i32" | "i64" | "f64" | "v128";

const TYPES: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e, f64: 0x7c, v128: 0x7b };
const VOID = 0x40;
const SIMD = 0xfd;
const BULK = 0xfc;

export interface Local {
  readonly index: number;
  readonly get: Code;
  set(value: Code): Code;
  /** Sets and leaves the value on the stack. */
  tee(value: Code): Code;
}

export interface FunctionBuilder {
  readonly parameters: readonly Local[];
  local(type: ValueType): Local;
}

export interface WasmFunction {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly result?: ValueType;
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

/** A function exported as `name`; `build` gets its parameters as locals and returns its body. */
export function wasmFunction(
  name: string,
  signature: { parameters: readonly ValueType[]; result?: ValueType },
  build: (builder: FunctionBuilder) => Code,
): WasmFunction {
  const locals: ValueType[] = [];
  const parameters = signature.parameters.map((_, index) => localAt(index));
  const body = build({
    parameters,
    local(type) {
      locals.push(type);
      return localAt(parameters.length + locals.length - 1);
    },
  });
  return { name, ...signature, locals, body };
}

/** A module whose only import is the shared memory `env.memory` of exactly `pages` pages. */
export function wasmModule(pages: number, functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters, result }) => [
    0x60,
    vector(parameters.map((type) => [TYPES[type]])),
    vector(result === undefined ? [] : [[TYPES[result]]]),
  ]);
  const memory = [...text("env"), ...text("memory"), 0x02, 0x03, ...unsigned(pages), ...unsigned(pages)];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector(types)),
    ...section(2, vector([memory])),
    ...section(3, vector(functions.map((_, index) => unsigned(index)))),
    ...section(7, vector(functions.map(({ name }, index) => [...text(name), 0x00, ...unsigned(index)]))),
    ...section(10, vector(functions.map(functionBytes))),
  ]);
}

function functionBytes({ locals, body }: WasmFunction): number[] {
  const declared = vector(locals.map((type) => [1, TYPES[type]]));
  return sized([declared, body, 0x0b]);
}

function localAt(index: number): Local {
  const number = unsigned(index);
  return {
    index,
    get: [0x20, ...number],
    set: (value) => [value, 0x21, ...number],
    tee: (value) => [value, 0x22, ...number],
  };
}

/** One after the other. */
export function sequence(...parts: readonly Code[]): Code {
  return parts;
}

/** Runs `body` once, and again as long as `condition` is not zero afterwards. */
export function repeatWhile(condition: Code, body: Code): Code {
  return [0x03, VOID, body, condition, 0x0d, 0x00, 0x0b];
}

export function when(condition: Code, then: Code): Code {
  return [condition, 0x04, VOID, then, 0x0b];
}

/** Sets `bytes` bytes to zero. */
export function clearMemory(target: Code, bytes: Code): Code {
  return [target, i32.const(0), bytes, BULK, 0x0b, 0x00];
}

/** Copies `bytes` bytes; the ranges may overlap. */
export function copyMemory(target: Code, source: Code, bytes: Code): Code {
  return [target, source, bytes, BULK, 0x0a, 0x00, 0x00];
}

/** One of two values: the first where the condition is not zero. Both are computed. */
export function select(first: Code, second: Code, condition: Code): Code {
  return [first, second, condition, 0x1b];
}

const unary =
  (...opcode: number[]) =>
  (a: Code): Code => [a, ...opcode];
const binary =
  (...opcode: number[]) =>
  (a: Code, b: Code): Code => [a, b, ...opcode];
const simd = (opcode: number) => [SIMD, ...unsigned(opcode)];

/** `alignment` is the logarithm of the access's size: a hint, not a demand. */
const load =
  (opcode: readonly number[], alignment: number) =>
  (address: Code, offset = 0): Code => [address, ...opcode, alignment, ...unsigned(offset)];
const store =
  (opcode: readonly number[], alignment: number) =>
  (address: Code, value: Code, offset = 0): Code => [
    address,
    value,
    ...opcode,
    alignment,
    ...unsigned(offset),
  ];

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(BigInt(value))],
  add: binary(0x6a),
  sub: binary(0x6b),
  mul: binary(0x6c),
  shl: binary(0x74),
  shrU: binary(0x76),
  and: binary(0x71),
  xor: binary(0x73),
  ltU: binary(0x49),
  ltS: binary(0x48),
  geS: binary(0x4e),
  load: load([0x28], 2),
  load8: load([0x2d], 0),
  store: store([0x36], 2),
  store8: store([0x3a], 0),
} as const;

export const i64 = {
  const: (value: bigint): Code => [0x42, ...signed(value)],
  /** The integer part of a double. */
  truncateF64: unary(0xb0),
  /** As i32. */
  isNotZero: (a: Code): Code => [a, 0x50, 0x45],
  geU: binary(0x5a),
  add: binary(0x7c),
  sub: binary(0x7d),
  shl: binary(0x86),
  and: binary(0x83),
  shrU: binary(0x88),
  load: load([0x29], 3),
} as const;

export const f64 = {
  /** The double nearest to a signed integer. */
  fromI64: unary(0xb9),
  const: (value: number): Code => [0x44, ...doubleBytes(value)],
  eq: binary(0x61),
  less: binary(0x63),
  gt: binary(0x64),
  ge: binary(0x66),
  add: binary(0xa0),
  sub: binary(0xa1),
  mul: binary(0xa2),
  load: load([0x2b], 3),
  store: store([0x39], 3),
} as const;

export const v128 = {
  load: load(simd(0), 4),
  store: store(simd(11), 4),
  and: binary(...simd(78)),
  andNot: binary(...simd(79)),
  or: binary(...simd(80)),
  xor: binary(...simd(81)),
} as const;

export const i32x4 = {
  splat: unary(...simd(17)),
  add: binary(...simd(174)),
  mul: binary(...simd(181)),
} as const;

export const i64x2 = {
  add: binary(...simd(206)),
  sub: binary(...simd(209)),
  shl: binary(...simd(203)),
  shrU: binary(...simd(205)),
  /** Two lanes chosen from the four of a (0, 1) and b (2, 3). */
  shuffle: (a: Code, b: Code, lanes: readonly [number, number]): Code => [
    a,
    b,
    ...simd(13),
    ...lanes.flatMap((lane) => [0, 1, 2, 3, 4, 5, 6, 7].map((byte) => lane * 8 + byte)),
  ],
} as const;

export const f64x2 = {
  splat: unary(...simd(20)),
  /** Lane 0 and lane 1. */
  pair: (a: Code, b: Code): Code => [a, ...simd(20), b, ...simd(34), 1],
  extract: (vector: Code, lane: 0 | 1): Code => [vector, ...simd(33), lane],
  add: binary(...simd(240)),
  sub: binary(...simd(241)),
  mul: binary(...simd(242)),
  div: binary(...simd(243)),
  abs: unary(...simd(236)),
  neg: unary(...simd(237)),
  /** Lane-wise smaller of two numbers (pmin: `b < a ? b : a`). */
  min: binary(...simd(246)),
  /** Lane-wise larger of two numbers (pmax: `a < b ? b : a`). */
  max: binary(...simd(247)),
  convertLowI32x4: unary(...simd(254)),
  /** All bits of a lane set where the comparison holds, none where it does not. */
  equal: binary(...simd(71)),
  less: binary(...simd(73)),
  greater: binary(...simd(74)),
} as const;

/**
 * Vector constants that are loaded from memory. V8 builds a constant in the code anew at each use, from an immediate and
 * two shuffles, which costs more than the arithmetic it is for.
 */
export interface ConstantPool {
  /** Both lanes hold `value`: a double, or 64 bits given as a bigint. */
  splat(value: number | bigint): Code;
  /** Writes the constants of all code made so far; to be called before that code runs. */
  write(buffer: SharedArrayBuffer): void;
}

/** @param address where the pool lies in the module's memory; `room` constants fit. */
export function constantPool(address: number, room: number): ConstantPool {
  const places = new Map<bigint, number>();
  return {
    splat(value) {
      const bits = typeof value === "bigint" ? value : doubleBits(value);
      const place = places.get(bits) ?? places.size;
      if (place >= room) throw new RangeError(`more than ${room} vector constants`);
      places.set(bits, place);
      return [...i32.const(address), ...simd(10), 3, ...unsigned(8 * place)];
    },
    write(buffer) {
      const pool = new DataView(buffer, address, 8 * room);
      for (const [bits, place] of places) pool.setBigInt64(8 * place, BigInt.asIntN(64, bits), true);
    },
  };
}

function doubleBits(value: number): bigint {
  return new DataView(new Uint8Array(doubleBytes(value)).buffer).getBigInt64(0, true);
}

function section(id: number, content: Code): number[] {
  return [id, ...sized(content)];
}

/** The bytes of a tree, after their number. */
function sized(content: Code): number[] {
  const bytes: number[] = [];
  flatten(content, bytes);
  return [...unsigned(bytes.length), ...bytes];
}

function flatten(code: Code, bytes: number[]): void {
  for (const part of code) {
    if (typeof part === "number") bytes.push(part);
    else flatten(part, bytes);
  }
}

function vector(items: readonly Code[]): Code {
  return [...unsigned(items.length), ...items];
}

function text(value: string): number[] {
  return sized([...new TextEncoder().encode(value)]);
}

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = (rest - low) / 128;
    bytes.push(rest > 0 ? low | 128 : low);
  } while (rest > 0);
  return bytes;
}

/** Signed LEB128. */
function signed(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = Number(rest & 127n);
    rest >>= 7n;
    if ((rest === 0n && low < 64) || (rest === -1n && low >= 64)) return [...bytes, low];
    bytes.push(low | 128);
  }
}

function doubleBytes(value: number): number[] {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return [...bytes];
}
