/**
 * Hashes for counting different values. They are fixed for ever, because the counts of profiles made by different versions
 * must merge.
 */

/** The hash of a double given as two words: one multiplication to join them, then the finish of MurmurHash3. */
export function hashWords(low: number, high: number): number {
  return finish(low ^ Math.imul(high, 0x9e3779b1));
}

/** The hash of the bytes `[start, end)` of `view`: 32-bit MurmurHash3 (Appleby, public domain) with seed 0. */
export function hashBytes(view: DataView, start: number, end: number): number {
  let hash = 0;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    hash = mixWord(hash, view.getInt32(at, true));
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  if (at < end) hash = mixWord(hash, lastBytes(view, at, end));
  return finish(hash ^ (end - start));
}

/** One to three bytes `[at, end)` as a word. */
function lastBytes(view: DataView, at: number, end: number): number {
  // The four bytes before the end hold them at their upper end; only very short views have no four bytes there.
  if (end >= 4) return view.getInt32(end - 4, true) >>> (32 - 8 * (end - at));
  let word = view.getUint8(at);
  if (at + 1 < end) word |= view.getUint8(at + 1) << 8;
  if (at + 2 < end) word |= view.getUint8(at + 2) << 16;
  return word;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function mixWord(hash: number, word: number): number {
  const mixed = Math.imul(word, 0xcc9e2d51);
  return hash ^ Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}

function finish(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
