/**
 * Compiles tools/wasm/src to WebAssembly and writes it, as base64 in a module, where the code loads it from: `npm run
 * build:wasm`. The compiler is pinned, and a test asserts that compiling gives the bytes that are committed.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { main } from "assemblyscript/asc";

const here = fileURLToPath(new URL(".", import.meta.url));
const FLAGS = ["--runtime", "stub", "--noAssert", "-O3", "--converge", "--enable", "relaxed-simd"];
const MEMORY = ["--initialMemory", "2", "--maximumMemory", "2"];
/** Vectors between functions are inlined or stay inside. */
const QUIET = ["--disableWarning", "112"];

/** The module's bytes. @throws Error with the compiler's words. */
export async function compileWasm(): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined;
  const options = ["src/main.ts", "--baseDir", here, "--outFile", "out.wasm", ...FLAGS, ...MEMORY, ...QUIET];
  const { error, stderr } = await main(options, {
    writeFile(name, contents) {
      if (name.endsWith("out.wasm") && typeof contents !== "string") wasm = contents;
    },
  });
  if (error !== null || wasm === undefined) throw new Error(`asc failed: ${stderr.toString()}`, { cause: error });
  return wasm;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const base64 = Buffer.from(await compileWasm()).toString("base64");
  const lines = base64.match(/.{1,112}/g)?.map((line) => `  "${line}",`) ?? [];
  const text = `/** SM4-GCM in WebAssembly SIMD, made from tools/wasm/src by \`npm run build:wasm\`. */
export const WASM_CODE = [
${lines.join("\n")}
].join("");
`;
  writeFileSync(new URL("../../vault/sealed/sm4/wasm-code.ts", import.meta.url), text);
}
