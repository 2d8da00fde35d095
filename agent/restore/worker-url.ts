import { extname } from "node:path";

/** The file a worker thread runs: beside this one, in the checkout and in the package alike. */
export function workerUrl(name: "place" | "check"): URL {
  return new URL(`./${name}.worker${extname(import.meta.url)}`, import.meta.url);
}
