import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { keyedNode } from "../../support/keyed-node.ts";
import { assertPrintedNoKey } from "../../support/learn-secrets.ts";

const COLDKEEP = fileURLToPath(new URL("../../../bin/coldkeep.mjs", import.meta.url));
/** npm drops an optional package that does not build without a word; this process finds it as little as that one would. */
const WITHOUT = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  registerHooks({ resolve(name, context, next) {
    if (name !== "pkcs11js") return next(name, context);
    throw Object.assign(new Error("Cannot find package 'pkcs11js'"), { code: "ERR_MODULE_NOT_FOUND" });
  } });`)}`;

it("an installation without pkcs11js says so and how to have it, and does everything that needs no token", async () => {
  const node = await keyedNode("encrypt_key: HOME/a.key");
  node.file("a.key", "0H#y@EGXPOAScAnB");
  const run = (...words: string[]) => {
    const argv = [...words, "--config", node.config];
    const ran = spawnSync(process.execPath, ["--import", WITHOUT, COLDKEEP, ...argv], { encoding: "utf8" });
    assertPrintedNoKey(argv, ran.stdout + ran.stderr);
    return ran;
  };
  expect(run("backup")).toMatchObject({ status: 0 });
  node.setKeys("encrypt_key: node-key\npkcs11: { library: /usr/lib/vendor.so, label: vault, password: none-at-all }");
  const refused = run("backup");
  expect(refused.status).toBe(4);
  expect(refused.stderr).toMatch(
    /this installation of coldkeep cannot talk to HSMs: pkcs11js: the package is missing.*g\+\+, make and python3.*npm rebuild pkcs11js/s,
  );
  const doctor = run("doctor");
  expect(doctor.stdout).toContain("npm rebuild pkcs11js");
});
