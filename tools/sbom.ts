import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Below `node_modules`, or nested in one: what a file of a bundle belongs to. */
const PACKAGE_FOLDER = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/;

interface Locked {
  readonly version: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * The bill of materials of the package as CycloneDX 1.5 JSON: what is bundled into its files, and what is installed beside
 * them. `files` are the paths of what was bundled, below `project`. Without a time and a serial number, which the format
 * does not ask for: the same sources make the same bytes.
 * @throws Error for a package that the lockfile does not have.
 */
export function renderSbom(project: string, files: readonly string[]): string {
  const read = (name: string) => JSON.parse(readFileSync(join(project, name), "utf8"));
  const { name, version, license, dependencies, optionalDependencies } = read("package.json");
  const locked = read("package-lock.json").packages as Readonly<Record<string, Locked>>;
  const beside = installed({ version, dependencies, optionalDependencies }, locked);
  const bundled = new Set(files.flatMap((path) => PACKAGE_FOLDER.exec(path)?.[0] ?? []));
  const components = [
    ...[...bundled].map((folder) => component(project, folder, locked, "bundled")),
    ...[...beside]
      .filter((folder) => !bundled.has(folder))
      .map((folder) => component(project, folder, locked, "installed")),
  ].sort((a, b) => (a["bom-ref"] < b["bom-ref"] ? -1 : 1));
  const self = { "bom-ref": `${name}@${version}`, type: "application", name, version, purl: purlOf(name, version) };
  const bom = {
    $schema: "http://cyclonedx.org/schema/bom-1.5.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: { component: { ...self, licenses: [{ license: { id: license } }] } },
    components: components.filter((one, at) => one["bom-ref"] !== components[at - 1]?.["bom-ref"]),
    dependencies: [{ ref: self["bom-ref"], dependsOn: [...new Set(components.map((one) => one["bom-ref"]))] }],
  };
  return `${JSON.stringify(bom, null, 2)}\n`;
}

/** Folders of what npm installs with the package: its dependencies and theirs. */
function installed(root: Locked, locked: Readonly<Record<string, Locked>>): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = ({ dependencies, optionalDependencies }: Locked) => {
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const folder = `node_modules/${name}`;
      const next = locked[folder];
      if (next === undefined || found.has(folder)) continue;
      found.add(folder);
      visit(next);
    }
  };
  visit(root);
  return found;
}

function component(project: string, folder: string, locked: Readonly<Record<string, Locked>>, how: string) {
  const entry = locked[folder];
  if (entry === undefined) throw new Error(`${folder} is not in the lockfile`);
  const name = folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length);
  const { version, integrity } = entry;
  const license = entry.license ?? JSON.parse(readFileSync(join(project, folder, "package.json"), "utf8")).license;
  return {
    "bom-ref": `${name}@${version}`,
    type: "library",
    name,
    version,
    purl: purlOf(name, version),
    ...(license === undefined ? {} : { licenses: [{ license: { id: license } }] }),
    ...(integrity === undefined ? {} : { hashes: [hashOf(integrity)] }),
    properties: [{ name: "coldkeep:how", value: how }],
  };
}

/** Of what npm downloads, which is a package's tarball. */
function hashOf(integrity: string) {
  const [kind = "", sum = ""] = integrity.split("-", 2);
  return { alg: kind.replace(/^sha/, "SHA-"), content: Buffer.from(sum, "base64").toString("hex") };
}

function purlOf(name: string, version: string): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}
