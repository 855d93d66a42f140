import type { Random } from "../../../src/kernel/index.ts";

export function pick<Value>(random: Random, values: readonly Value[]): Value {
  return values[random.integer(values.length)]!;
}

export function chance(random: Random, share: number): boolean {
  return random.float() < share;
}

export function randomBytes(random: Random, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; at++) bytes[at] = random.uint32();
  return bytes;
}

/** One to four damages: bits flipped, bytes overwritten, pieces cut out, doubled, put in or cut off. */
export function damageBytes(random: Random, bytes: Buffer): Buffer {
  let damaged: Buffer = Buffer.from(bytes);
  for (let times = 1 + random.integer(4); times > 0; times--) damaged = damageOnce(random, damaged);
  return damaged;
}

function damageOnce(random: Random, bytes: Buffer): Buffer {
  const at = random.integer(bytes.length + 1);
  const until = Math.min(bytes.length, at + 1 + random.integer(16));
  switch (random.integer(7)) {
    case 0:
      if (at < bytes.length) bytes[at]! ^= 1 << random.integer(8);
      return bytes;
    case 1:
      for (let i = at; i < until; i++) bytes[i] = random.uint32();
      return bytes;
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(until)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, until), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([
        bytes.subarray(0, at),
        randomBytes(random, 1 + random.integer(16)),
        bytes.subarray(at),
      ]);
    case 5:
      return bytes.subarray(0, at);
    default:
      return Buffer.concat([bytes.subarray(0, at), pick(random, AWKWARD_BYTES), bytes.subarray(at)]);
  }
}

const AWKWARD_BYTES: readonly Buffer[] = [
  Buffer.alloc(8),
  Buffer.alloc(8, 0xff),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xc0, 0x80]),
  Buffer.from([0xef, 0xbb, 0xbf]),
  Buffer.from([0x7f, 0xff, 0xff, 0xff]),
  Buffer.from("\r\n\r\n"),
  Buffer.from('"'),
  Buffer.from("}]}"),
];

/** Texts that stand where a JSON value should; some of them are none. */
const AWKWARD_VALUES: readonly string[] = [
  ...["null", "true", "false", "0", "-0", "1", "-1", "2.5", "1e308", "-1e308", "1e-400", "1e999", "-1e999"],
  ...[
    "9007199254740993",
    "-123456789012345678901234567890",
    "0.1e",
    "01",
    "+1",
    "NaN",
    "Infinity",
    "undefined",
    "",
  ],
  ...[
    '""',
    '"\\u0000"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\x"',
    '"unfinished',
    '"2023-13-45"',
    '"yesterday"',
  ],
  ...[
    '"+275760-09-13T00:00:00.001Z"',
    '"0000-00-00T00:00:00Z"',
    '"9999-12-31T23:59:60Z"',
    '"-000001-01-01T00:00:00Z"',
  ],
  ...[
    "{}",
    "[]",
    "[[]]",
    "[null]",
    "[1, 2]",
    '["news"]',
    '[["news"]]',
    "[{}]",
    '{"b64": "bmV3cw=="}',
    '{"b64": "%"}',
  ],
  ...[
    '{"b64": 5}',
    '{"b64": ""}',
    '{"b64": "/////w=="}',
    '{"__proto__": {"price": 1}}',
    '{"constructor": 1}',
    "}",
    "]",
  ],
  ...['{"a": 1, "a": 2}', '"news" "mail"', "[1,]", '{"a":}', "/* */ 1", "'news'"],
];

const AWKWARD_KEYS = [
  "__proto__",
  "constructor",
  "toString",
  "",
  "\u0000",
  "\ud800",
  "b64",
  "length",
  "0",
  "columns",
];

/** A document with one to three of its places changed, as text. It may be no JSON any more. */
export function damagedJson(random: Random, document: unknown): string {
  const replaced: string[] = [];
  let damaged: unknown = structuredClone(document);
  for (let times = 1 + random.integer(3); times > 0; times--) {
    const mark = `\u0001${replaced.length}\u0001`;
    replaced.push(awkwardValue(random));
    damaged = damageNode(random, damaged, mark);
  }
  const text = JSON.stringify(damaged) ?? "";
  return text.replace(/"\\u0001(\d)\\u0001"/g, (_, place: string) => replaced[Number(place)] ?? "");
}

function awkwardValue(random: Random): string {
  switch (random.integer(40)) {
    case 0:
      return nested(random, 20 + random.integer(30));
    case 1:
      return nested(random, 1_000 + random.integer(20_000));
    case 2:
      return JSON.stringify("x".repeat(1 + random.integer(20_000)));
    case 3:
      return `[${new Array(1 + random.integer(2_000)).fill(pick(random, AWKWARD_VALUES)).join(",")}]`;
    case 4:
      return JSON.stringify(randomBytes(random, random.integer(40)).toString("latin1"));
    default:
      return pick(random, AWKWARD_VALUES);
  }
}

function nested(random: Random, depth: number): string {
  const [open, close] = pick(random, [
    ["[", "]"],
    ['{"a":', "}"],
  ] as const);
  // Half of them are never closed.
  return `${open.repeat(depth)}1${chance(random, 0.5) ? close.repeat(depth) : ""}`;
}

/** Walks down to a random node and replaces, removes, adds or renames something there. */
function damageNode(random: Random, node: unknown, mark: string): unknown {
  if (typeof node !== "object" || node === null || chance(random, 0.15)) return mark;
  if (Array.isArray(node)) {
    const at = random.integer(node.length + 1);
    if (at === node.length) return [...(node as readonly unknown[]), mark];
    if (chance(random, 0.1)) return node.toSpliced(at, 1);
    return node.with(at, damageNode(random, node[at], mark));
  }
  const entries = Object.entries(node);
  const at = random.integer(entries.length + 1);
  const entry = entries[at];
  if (entry === undefined) return fromEntries([...entries, [pick(random, AWKWARD_KEYS), mark]]);
  const [key, value] = entry;
  switch (random.integer(6)) {
    case 0:
      return fromEntries(entries.toSpliced(at, 1));
    case 1:
      return fromEntries(entries.with(at, [pick(random, AWKWARD_KEYS), value]));
    default:
      return fromEntries(entries.with(at, [key, damageNode(random, value, mark)]));
  }
}

/** Also with a key `__proto__`. */
function fromEntries(entries: readonly (readonly [string, unknown])[]): object {
  const made = {};
  for (const [key, value] of entries)
    Object.defineProperty(made, key, { value, enumerable: true, configurable: true, writable: true });
  return made;
}
