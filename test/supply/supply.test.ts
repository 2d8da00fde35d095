import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { renderSbom } from "../../tools/sbom.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
const read = (name: string) => JSON.parse(readFileSync(join(PROJECT, name), "utf8"));

interface Locked {
  readonly version: string;
  readonly dev?: boolean;
  readonly inBundle?: boolean;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
}

const { dependencies, optionalDependencies, devDependencies } = read("package.json");
const locked = read("package-lock.json").packages as Readonly<Record<string, Locked>>;

describe("what the package is made of", () => {
  it("is pinned to exact versions", () => {
    const all = Object.entries({ ...dependencies, ...optionalDependencies, ...devDependencies }) as [string, string][];
    expect(all.length).toBeGreaterThan(20);
    for (const [name, version] of all) expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
    for (const [name, version] of all) expect(locked[`node_modules/${name}`]?.version, name).toBe(version);
  });

  it("has a SHA-512 of everything that is downloaded", () => {
    const downloaded = Object.entries(locked).filter(([path, { inBundle }]) => path !== "" && inBundle !== true);
    for (const [path, { integrity }] of downloaded) expect(integrity, path).toMatch(/^sha512-/);
  });

  it("runs no install script but those of what is native", () => {
    const scripts = Object.entries(locked).filter(([, { dev, hasInstallScript }]) => dev !== true && hasInstallScript);
    expect(scripts.map(([path]) => path)).toEqual(["node_modules/koffi", "node_modules/pkcs11js"]);
  });

  it("is told by a bill of materials: what is bundled and what is installed beside it", () => {
    const inputs = ["agent/main.ts", "node_modules/zod/index.js", "node_modules/@stricli/core/dist/index.js"];
    const text = renderSbom(PROJECT, inputs);
    expect(renderSbom(PROJECT, inputs)).toBe(text);
    const bom = JSON.parse(text) as { components: { name: string; hashes?: object[]; properties: object[] }[] };
    const how = (name: string) => bom.components.find((one) => one.name === name)?.properties;
    for (const name of ["zod", "@stricli/core"])
      expect(how(name)).toEqual([{ name: "coldkeep:how", value: "bundled" }]);
    expect(how("koffi")).toEqual([{ name: "coldkeep:how", value: "installed" }]);
    for (const { name, hashes } of bom.components) expect(hashes, name).toMatchObject([{ alg: "SHA-512" }]);
    expect(() => renderSbom(PROJECT, ["node_modules/unheard-of/index.js"])).toThrow(/lockfile/);
  });
});
