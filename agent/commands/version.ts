import { readFileSync } from "node:fs";

/** The version in package.json, which lies one folder up from a bundle and two from these sources. */
export function ownVersion(): string {
  for (const place of ["../package.json", "../../package.json"]) {
    try {
      const found: unknown = JSON.parse(readFileSync(new URL(place, import.meta.url), "utf8"));
      if (typeof found === "object" && found !== null && "name" in found && found.name === "coldkeep") {
        if ("version" in found && typeof found.version === "string") return found.version;
      }
    } catch {
      // Not there: the other place it is.
    }
  }
  return "unknown";
}
