/**
 * Makes the functions: `dist/lambdas/<name>/index.mjs`, each one file with all it needs, the AWS SDK too, since what
 * Lambda brings along is another version every month. Where a stack is made, settings.json is laid beside it.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Metafile } from "esbuild";
import { lightHttp } from "./tools/http.ts";

const project = fileURLToPath(new URL(".", import.meta.url));

export const LAMBDAS = ["indexer", "presenter", "retention", "verifier"] as const;
export type LambdaName = (typeof LAMBDAS)[number];

export interface BuiltLambda {
  readonly name: LambdaName;
  /** Of index.mjs. */
  readonly bytes: number;
  readonly metafile: Metafile;
}

/** Bundles every function into a folder of its own below `outdir`. */
export async function buildLambdas(outdir = join(project, "dist", "lambdas")): Promise<readonly BuiltLambda[]> {
  rmSync(outdir, { recursive: true, force: true });
  return Promise.all(LAMBDAS.map((name) => buildLambda(name, join(outdir, name, "index.mjs"))));
}

async function buildLambda(name: LambdaName, outfile: string): Promise<BuiltLambda> {
  const { metafile } = await build({
    absWorkingDir: project,
    entryPoints: [`lambdas/${name}/handler.ts`],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node24",
    mainFields: ["module", "main"],
    minify: true,
    metafile: true,
    plugins: [lightHttp],
    // Pieces that were CommonJS ask for Node's own modules by require.
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    legalComments: "none",
    logLevel: "warning",
  });
  const [output] = Object.values(metafile.outputs);
  if (output === undefined) throw new Error(`${name} has no bundle`);
  return { name, bytes: output.bytes, metafile };
}

if (import.meta.main) {
  for (const { name, bytes } of await buildLambdas()) {
    process.stdout.write(`dist/lambdas/${name}/index.mjs  ${(bytes / 1000).toFixed(0)} kB\n`);
  }
}
