/** Bytes of one histogram bin: the sum of gradients (i64), then that of second derivatives and rows (i64). */
export const BIN_BYTES = 16;
