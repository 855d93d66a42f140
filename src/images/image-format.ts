/** The image formats that are decoded. Not among them: SVG and PDF, which are programs rather than pixels. */
export type ImageFormat = "jpeg" | "png" | "gif" | "webp" | "tiff" | "avif";

const ascii = (text: string): readonly number[] => [...Buffer.from(text, "latin1")];

const BEGINNINGS: readonly {
  readonly format: ImageFormat;
  readonly at: number;
  readonly bytes: readonly number[];
}[] = [
  { format: "jpeg", at: 0, bytes: [0xff, 0xd8, 0xff] },
  { format: "png", at: 0, bytes: [0x89, ...ascii("PNG\r\n\x1a\n")] },
  { format: "gif", at: 0, bytes: ascii("GIF8") },
  { format: "webp", at: 8, bytes: ascii("WEBP") },
  { format: "tiff", at: 0, bytes: [...ascii("II"), 42, 0] },
  { format: "tiff", at: 0, bytes: [...ascii("MM"), 0, 42] },
  { format: "avif", at: 4, bytes: ascii("ftypavi") },
];

/** The format by the first bytes, whatever the file is called; undefined when it is none of ours. */
export function imageFormatOf(bytes: Uint8Array): ImageFormat | undefined {
  return BEGINNINGS.find(({ at, bytes: begins }) => begins.every((byte, i) => bytes[at + i] === byte))
    ?.format;
}
