/** Settings whose values say nothing of anybody and open nothing. All others are taken out, also those nobody knows. */
const PLAIN = new Set([
  ...[
    "version",
    "profile",
    "manager",
    "encryptor",
    "when_down",
    "on_stop_timeout",
    "timezone",
    "capture",
    "form",
    "on",
  ],
  ...[
    "grace",
    "floor",
    "interval",
    "permanent",
    "max_age",
    "max_unproven",
    "check_timeout",
    "stop_timeout",
    "start_timeout",
  ],
  ...["windows", "region", "chain_kind", "field", "cpu", "read", "upload"],
]);
/** Below these stand names that people gave. */
const NAMED = new Set(["nodes", "groups", "roots", "copy_out", "channels"]);

export interface RedactedConfig {
  readonly document: unknown;
  /** What was taken out, and what stands in its place. */
  readonly known: ReadonlyMap<string, string>;
}

/** A configuration as it may be shown to anybody: its form, its numbers and switches, and labels for all else. */
export function redactConfig(raw: unknown): RedactedConfig {
  const known = new Map<string, string>();
  const counts = new Map<string, number>();
  const labelOf = (text: string, kind: string): string => {
    const there = known.get(text);
    if (there !== undefined) return there;
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    const label = `<${kind} ${count}>`;
    known.set(text, label);
    // What a program prints of a command line or a URL is often only a part of it.
    for (const part of text.split(/[\s"'`=&?/@,;]+/)) if (part.length >= 8 && !known.has(part)) known.set(part, label);
    return label;
  };
  const walk = (value: unknown, key: string): unknown => {
    if (typeof value === "string") {
      return PLAIN.has(key) || key.startsWith("keep_") ? value : labelOf(value, key === "" ? "text" : key);
    }
    if (Array.isArray(value)) return value.map((one) => walk(one, key));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => {
        const shown = NAMED.has(key) ? labelOf(name, key.replace(/s$/, "")) : name;
        return [shown, walk(one, name)];
      }),
    );
  };
  return { document: walk(raw, ""), known };
}
