/**
 * Makes the package: `dist/`, flat, of lazily loaded pieces (tools/tiers.ts). Flat, because a worker is found beside the code that starts
 * it, here as in the sources. All but koffi and pkcs11js, which are native, is bundled; those alone are dependencies of what is
 * published.
 */
import { chmodSync, copyFileSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildLambdas } from "./build-lambdas.ts";
import { declare } from "./tools/declare.ts";
import { doors } from "./tools/doors.ts";
import { lightHttp } from "./tools/http.ts";
import { renderManual } from "./tools/manual.ts";
import { renderNotices } from "./tools/notices.ts";
import { renderSbom } from "./tools/sbom.ts";
import { gatherTiers } from "./tools/tiers.ts";

const project = fileURLToPath(new URL(".", import.meta.url));
const dist = join(project, "dist");

/** What a user of infra brings along. */
const CDK = ["aws-cdk-lib", "constructs"];
const NATIVE = ["koffi", "pkcs11js"];

const workers = globSync("{agent,vault,keeper,posix}/**/*.worker.ts", { cwd: project });
const names = workers.map((path) => basename(path, ".ts"));
const twice = names.find((name, index) => names.indexOf(name) !== index);
if (twice !== undefined) throw new Error(`two workers are called ${twice}.ts; in a flat folder they would be one`);

rmSync(dist, { recursive: true, force: true });
const common = {
  absWorkingDir: project,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  // Pieces that were CommonJS ask for Node's own modules by require.
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  // They are all in the notices.
  legalComments: "none",
  metafile: true,
  sourcemap: false,
  logLevel: "warning",
} as const;
/** As modules, of which what nobody uses is left out. */
const mainFields = ["module", "main"];
const program = { ...common, mainFields, entryPoints: { main: "agent/main.ts" }, outdir: dist, external: NATIVE };
const { metafile } = await build({ ...program, plugins: [lightHttp, await gatherTiers(program)] });
// A thread loads one file with all that it needs.
const { metafile: threads } = await build({
  ...program,
  splitting: false,
  plugins: [lightHttp, doors],
  entryPoints: Object.fromEntries(workers.map((path, index) => [names[index], path])),
});
const outside = new Set(
  [metafile, threads].flatMap(({ outputs }) =>
    Object.values(outputs).flatMap(({ imports }) =>
      imports.flatMap(({ path, external }) => (external === true && !isBuiltin(path) ? [path] : [])),
    ),
  ),
);
for (const name of outside) if (!NATIVE.includes(name)) throw new Error(`${name} is neither bundled nor a dependency`);
copyFileSync(join(project, "bin", "coldkeep.mjs"), join(dist, "coldkeep.mjs"));
chmodSync(join(dist, "coldkeep.mjs"), 0o755);
writeFileSync(join(dist, "coldkeep.1"), await renderManual());
// The stack's app and constructs, for whoever has the CDK. Its pieces lie by themselves: no command loads them.
const { metafile: infra } = await build({
  ...common,
  entryPoints: { app: "infra/packaged.ts", index: "infra/index.ts" },
  outdir: join(dist, "infra"),
  external: CDK,
});
for (const name of declare(project, "infra/index.ts", join(dist, "infra", "types"))) {
  if (!CDK.includes(name)) throw new Error(`the types of infra need ${name}, which nobody installs with it`);
}
const { context } = JSON.parse(readFileSync(join(project, "cdk.json"), "utf8")) as { context: object };
writeFileSync(join(dist, "infra", "flags.json"), JSON.stringify(context));
const functions = await buildLambdas(join(dist, "lambdas"));
const bundled = [metafile, threads, infra, ...functions.map((made) => made.metafile)].flatMap(({ inputs }) =>
  Object.keys(inputs),
);
writeFileSync(join(dist, "THIRD-PARTY-NOTICES.txt"), renderNotices(project, bundled));
writeFileSync(join(dist, "sbom.cdx.json"), renderSbom(project, bundled));
