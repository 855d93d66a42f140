/** The part of [0, length) that falls to one of `parts` threads, cut at multiples of `grain`. */
export function share(length: number, of: { part: number; parts: number; grain: number }): [number, number] {
  const grains = Math.ceil(length / of.grain);
  const cut = (part: number) => Math.min(length, Math.floor((grains * part) / of.parts) * of.grain);
  return [cut(of.part), cut(of.part + 1)];
}
