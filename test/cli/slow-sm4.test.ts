import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { keyedNode } from "../support/keyed-node.ts";
import { assertPrintedNoKey } from "../support/learn-secrets.ts";

const COLDKEEP = fileURLToPath(new URL("../../bin/coldkeep.mjs", import.meta.url));
/** A host without libgcrypt, or koffi to call it by, on a processor without SIMD for WebAssembly. */
const WITHOUT = `--import=data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  registerHooks({ resolve(name, context, next) {
    if (name !== "koffi") return next(name, context);
    throw Object.assign(new Error("Cannot find package 'koffi'"), { code: "ERR_MODULE_NOT_FOUND" });
  } });
  WebAssembly.Module = class { constructor() { throw new Error("no SIMD here"); } };`)}`;

it("a host that has the slow SM4 alone says so once a backup, and why; the snapshot is like any other", async () => {
  const node = await keyedNode("encrypt_key: HOME/a.key\nencryptor: sm4");
  node.file("a.key", "0H#y@EGXPOAScAnB");
  for (let i = 0; i < 40; i += 1) writeFileSync(join(node.data, `${i}`), `${i} `.repeat(50_000));
  const argv = ["backup", "--config", node.config];
  const env = { ...process.env, NODE_OPTIONS: WITHOUT };
  const slow = spawnSync(process.execPath, [COLDKEEP, ...argv], { encoding: "utf8", env });
  assertPrintedNoKey(argv, slow.stdout + slow.stderr);
  expect(slow.status, slow.stderr).toBe(0);
  expect(slow.stderr.match(/sm4-gcm is sealed by the slowest code there is/g)).toHaveLength(1);
  expect(slow.stderr).toMatch(/libgcrypt: .*koffi.*wasm: no SIMD here/s);
  const doctor = spawnSync(process.execPath, [COLDKEEP, "doctor", "--config", node.config], { encoding: "utf8", env });
  expect(doctor.stdout).toMatch(/WARN +cipher +sm4-gcm is sealed by the slowest code/);
  // Another backend, on a host that has it, opens what this one sealed.
  expect(await node.restored()).toBe("content of the node");
  expect(readFileSync(join(node.home, "restored-1", "data", "7"), "utf8")).toBe("7 ".repeat(50_000));
  const fast = await node.run(["backup"]);
  expect(fast.stderr).not.toContain("slowest code");
});
