/**
 * A number in [0, 2^32) that depends on nothing but the text and the seed, evenly spread also over texts as alike as
 * "1", "2", "3": 32-bit FNV-1a over UTF-16 code units, then the finaliser of MurmurHash3 (Appleby), which spreads
 * every bit. Its meaning never changes: rows keep their roles by it.
 */
export function stableHash(text: string, seed: number): number {
  let hash = mixed(0x811c9dc5 ^ mixed(seed | 0));
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mixed(hash) >>> 0;
}

function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
