/** 4 significant digits, `–` for a value that could not be computed. */
export function formatMetric(value: number | null): string {
  if (value === null) return "–";
  const size = Math.abs(value);
  if (size >= 10_000) return formatCount(Math.round(value));
  return size >= 1 ? value.toPrecision(5) : value.toFixed(4);
}

/** `12,345` */
export function formatCount(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** `812 ms`, `3.4 s`, `2 min 05 s` */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
  return `${Math.floor(seconds / 3600)} h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, "0")} min`;
}

/** `17.3 MB` */
export function formatBytes(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let size = bytes;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return unit === 0 ? `${size} bytes` : `${size.toPrecision(3)} ${units[unit]}`;
}

/** `2026-01-31 12:00:05`, in UTC, from ISO 8601. */
export function formatTime(iso: string | null): string {
  return iso === null ? "–" : iso.slice(0, 19).replace("T", " ");
}

/** The first 12 digits. */
export function formatDigest(digest: string): string {
  return digest.slice(0, 12);
}

/** `4 minutes ago` */
export function formatAge(iso: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  for (const [unit, size] of [
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
  ] as const) {
    const whole = Math.floor(seconds / size);
    if (whole >= 1) return `${whole} ${unit}${whole === 1 ? "" : "s"} ago`;
  }
  return "just now";
}

/** `1 row`, `2 rows` */
export function formatQuantity(value: number, unit: string): string {
  return `${formatCount(value)} ${value === 1 ? unit.replace(/s$/, "") : unit}`;
}
