/**
 * Hashes of texts: 32-bit FNV-1a over the UTF-8 bytes, then the finaliser of MurmurHash3 (Appleby), as an unsigned
 * integer. A lone surrogate counts as U+FFFD, as it does wherever texts are stored.
 */
export function hashText(text: string): number {
  let hash = FNV_OFFSET;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) hash = Math.imul(hash ^ unit, FNV_PRIME);
    else {
      const point = text.codePointAt(at)!;
      if (point > 0xffff) at += 1;
      hash = hashPoint(hash, point);
    }
  }
  return finish(hash);
}

/** An order-sensitive mix of two hashes; the arguments are unsigned 32-bit integers. */
export function mixHashes(a: number, b: number): number {
  return finish(
    Math.imul((a >>> 0) ^ 0x2f0b4c47, 0x85ebca6b) ^ Math.imul((b >>> 0) + 0x165667b1, 0xc2b2ae35),
  );
}

/** The number of Unicode code points; a lone surrogate counts as one. */
export function countPoints(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit >= 0xd800 && unit <= 0xdbff && at + 1 < text.length) {
      const next = text.charCodeAt(at + 1);
      if (next >= 0xdc00 && next <= 0xdfff) at += 1;
    }
    count += 1;
  }
  return count;
}

export function countWords(text: string): number {
  let count = 0;
  let inside = false;
  for (let at = 0; at < text.length; at++) {
    const point = text.codePointAt(at)!;
    if (point > 0xffff) at += 1;
    const belongs = isWordPoint(point);
    if (belongs && !inside) count += 1;
    inside = belongs;
  }
  return count;
}

/** Adds one at `start + hash mod buckets` (times `stride`) of `counts` for each word, in lower case. */
export function countHashedWords(
  text: string,
  counts: Float64Array,
  place: { readonly start: number; readonly stride: number; readonly buckets: number },
): void {
  let hash = FNV_OFFSET;
  let inside = false;
  for (let at = 0; at <= text.length; at++) {
    const point = at < text.length ? text.codePointAt(at)! : 0x20;
    if (point > 0xffff) at += 1;
    if (isWordPoint(point)) {
      hash = hashPoint(hash, lowerCase(point));
      inside = true;
    } else if (inside) {
      const index = place.start + (finish(hash) % place.buckets) * place.stride;
      counts[index] = counts[index]! + 1;
      hash = FNV_OFFSET;
      inside = false;
    }
  }
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** FNV-1a over the UTF-8 bytes of one code point. */
function hashPoint(before: number, given: number): number {
  const point = given >= 0xd800 && given <= 0xdfff ? 0xfffd : given;
  if (point < 0x80) return Math.imul(before ^ point, FNV_PRIME);
  let hash = before;
  if (point < 0x800) hash = Math.imul(hash ^ (0xc0 | (point >>> 6)), FNV_PRIME);
  else {
    if (point < 0x10000) hash = Math.imul(hash ^ (0xe0 | (point >>> 12)), FNV_PRIME);
    else {
      hash = Math.imul(hash ^ (0xf0 | (point >>> 18)), FNV_PRIME);
      hash = Math.imul(hash ^ (0x80 | ((point >>> 12) & 0x3f)), FNV_PRIME);
    }
    hash = Math.imul(hash ^ (0x80 | ((point >>> 6) & 0x3f)), FNV_PRIME);
  }
  return Math.imul(hash ^ (0x80 | (point & 0x3f)), FNV_PRIME);
}

function finish(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * Fixed ranges rather than Unicode properties, because those change with the Unicode version of the JavaScript engine:
 * ASCII letters and digits, and everything beyond ASCII but Latin-1 signs, general punctuation and CJK punctuation.
 */
function isWordPoint(point: number): boolean {
  if (point < 0x80) {
    return (
      (point >= 0x61 && point <= 0x7a) || (point >= 0x41 && point <= 0x5a) || (point >= 0x30 && point <= 0x39)
    );
  }
  if (point < 0xc0) return point === 0xaa || point === 0xb5 || point === 0xba;
  if (point === 0xd7 || point === 0xf7) return false;
  if (point >= 0x2000 && point <= 0x206f) return false;
  if (point >= 0x3000 && point <= 0x303f) return point >= 0x3005 && point <= 0x3007;
  return point !== 0xfeff && point !== 0x1680;
}

/** Latin (to U+017F), Greek and Cyrillic capitals; the rest stays as it is. */
function lowerCase(point: number): number {
  if (point < 0x80) return point >= 0x41 && point <= 0x5a ? point + 32 : point;
  if (point >= 0xc0 && point <= 0xde) return point === 0xd7 ? point : point + 32;
  if (point >= 0x100 && point <= 0x17f) return lowerCaseExtendedLatin(point);
  if (point >= 0x391 && point <= 0x3a9) return point + 32;
  if (point >= 0x400 && point <= 0x42f) return point + (point < 0x410 ? 80 : 32);
  return point;
}

function lowerCaseExtendedLatin(point: number): number {
  if (point === 0x178) return 0xff;
  // Capitals are even, except in the two runs where they are odd. İ, ı, ĸ, ŉ and ſ have no plain partner.
  if (point === 0x130 || point === 0x131 || point === 0x138 || point === 0x149 || point === 0x17f)
    return point;
  const capitalsAreOdd = (point >= 0x139 && point <= 0x148) || point >= 0x179;
  return (point % 2 === 1) === capitalsAreOdd ? point + 1 : point;
}
