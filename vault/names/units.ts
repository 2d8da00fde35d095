const UNITS = ["kB", "MB", "GB", "TB", "PB"];

/** Bytes for people, in powers of 1,000 as disks and networks are sold: "12.3 GB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let value = bytes;
  let unit = -1;
  do {
    value /= 1000;
    unit += 1;
  } while (value >= 999.5 && unit < UNITS.length - 1);
  return `${value.toFixed(value < 9.95 ? 2 : value < 99.5 ? 1 : 0)} ${UNITS[unit]}`;
}

/** A duration for people: "85 ms", "1.2 s", "3m 05s", "2h 10m", "4d 3h". */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 59_950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)}h ${two(minutes % 60)}m`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** Bytes a second for people; "" where the time is too short to tell. */
export function formatRate(bytes: number, milliseconds: number): string {
  return milliseconds < 1 ? "" : `${formatBytes(Math.round((bytes * 1000) / milliseconds))}/s`;
}

/** 81234 → 81,234. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** "1 file", "2 files". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** A moment in UTC, to the second: "2026-01-15 00:00:00Z". */
export function formatTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  if (Number.isNaN(date.getTime())) return "unknown";
  return date
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, "Z");
}

/** Heights by channel: "1200", or "mychannel 19, other 7"; "-" where none is known. */
export function formatHeights(heights: Readonly<Record<string, number>> | null | undefined): string {
  const all = Object.entries(heights ?? {});
  if (all.length === 0) return "-";
  return all
    .map(([channel, height]) => (channel === "" ? formatCount(height) : `${channel} ${formatCount(height)}`))
    .join(", ");
}
