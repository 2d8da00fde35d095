import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Licences that code in the package may have, as package.json names them. */
const ALLOWED = ["MIT", "MIT-0", "Apache-2.0", "ISC", "BSD-2-Clause", "BSD-3-Clause", "0BSD"];
/** Of these, those that do not ask for their text to go along. */
const SILENT = ["MIT-0", "0BSD"];
const LICENSE_FILE = /^(licen[cs]e|copying)(-mit)?(\.(md|txt))?$/i;
const NOTICE_FILE = /^notice(\.(md|txt))?$/i;
const PACKAGE_FOLDER = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/;

interface Bundled {
  readonly name: string;
  readonly license: string;
  readonly text: string;
}

/**
 * What the licences of bundled packages ask for: name, version and licence text of each. `files` are the paths of what was
 * bundled, below `project`; where an Apache-2.0 package lacks the text, the one of `project` is it.
 * @throws Error for a package whose licence is not allowed, or whose text is not there.
 */
export function renderNotices(project: string, files: readonly string[]): string {
  const folders = new Set(files.flatMap((path) => PACKAGE_FOLDER.exec(path)?.[0] ?? []));
  const apache = textOf(project, LICENSE_FILE);
  const packages = [...folders].map((folder) => readPackage(join(project, folder), apache));
  const byText = Map.groupBy(
    packages.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    ({ text }) => text,
  );
  const sections = [...byText].map(([text, same]) => {
    const names = same.map(({ name, license }) => `${name} (${license})`);
    return `${[...new Set(names)].join("\n")}\n\n${text}`;
  });
  const head = "Code of these packages is part of the files of this folder. Each is under its own licence.";
  return `${[head, ...sections].join(`\n\n${"-".repeat(100)}\n\n`)}\n`;
}

function readPackage(folder: string, apache: string): Bundled {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<
    "name" | "version" | "license",
    string
  >;
  const named = `${name} ${version}`;
  if (!ALLOWED.includes(license)) throw new Error(`${named} is under ${license}, which ${ALLOWED.join(", ")} is not`);
  const instead =
    license === "Apache-2.0" ? apache : SILENT.includes(license) ? `See spdx.org/licenses/${license}` : "";
  const licence = textOf(folder, LICENSE_FILE) || instead;
  if (licence === "") throw new Error(`${named} has no file with its licence`);
  const notice = textOf(folder, NOTICE_FILE);
  return { name: named, license, text: notice === "" ? licence : `${licence}\n\n${notice}` };
}

function textOf(folder: string, pattern: RegExp): string {
  if (!existsSync(folder)) return "";
  const file = readdirSync(folder).find((name) => pattern.test(name));
  return file === undefined ? "" : readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim();
}
