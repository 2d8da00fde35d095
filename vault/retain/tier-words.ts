import { formatSpan } from "./span.ts";
import { type Tiers, UNITS } from "./types.ts";

/** Tiers as the configuration has them. */
export function tierWords({ keep, within, tags, permanent }: Tiers): string {
  const words = UNITS.flatMap((unit) => {
    const [count, span] = [keep[unit], within[unit]];
    const name = unit === "last" ? "keep_within" : `keep_within_${unit}`;
    return [
      ...(count === undefined ? [] : [`keep_${unit} ${Number.isFinite(count) ? count : "unlimited"}`]),
      ...(span === undefined ? [] : [`${name} ${formatSpan(span)}`]),
    ];
  });
  if (tags.length > 0) words.push(`keep_tags ${tags.map((set) => set.join(",")).join(" ")}`);
  if (permanent !== undefined) words.push("permanent");
  return words.join(", ") || "nothing";
}
