import { describe, expect, it } from "vitest";
import { compileWasm } from "../../tools/wasm/build.ts";
import { wasmSm4 } from "../../vault/sealed/sm4/wasm.ts";
import { WASM_CODE } from "../../vault/sealed/sm4/wasm-code.ts";
import { casesOf, fromHex, toHex } from "../vectors/read.ts";

describe("the WebAssembly that is committed", () => {
  it("is what its source compiles to, byte for byte", async () => {
    expect(Buffer.from(await compileWasm()).toString("base64")).toBe(WASM_CODE);
  });

  it.each(casesOf("sm4").filter(({ times }) => times !== "1"))(
    "encrypts $times times over as published: $source",
    (vector) => {
      const encryptBlock = wasmSm4().blockCipher(fromHex(vector.key));
      let block: Uint8Array = fromHex(vector.plain);
      for (let n = 0; n < Number(vector.times); n++) block = encryptBlock(block);
      expect(toHex(block)).toBe(vector.sealed);
    },
  );
});
