import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { keyedNode } from "../../support/keyed-node.ts";
import { assertPrintedNoKey } from "../../support/learn-secrets.ts";
import { PIN, SOFTHSM, type SoftHsm, softHsm, softHsmOrSkip } from "../../support/softhsm.ts";
import { sharedTempDir } from "../../support/tmp.ts";
import { toolOrSkip } from "../../support/tools.ts";

const COLDKEEP = fileURLToPath(new URL("../../../bin/coldkeep.mjs", import.meta.url));
const hsm = await softHsmOrSkip();
const cc = toolOrSkip("cc", "gcc");
/** SoftHSM but for C_Login (the 19th of CK_FUNCTION_LIST, PKCS#11 2.40), which waits for an HSM that never answers. */
const SHIM = `
#include <dlfcn.h>
#include <unistd.h>
struct list { unsigned char version[2]; void *calls[68]; };
static struct list own;
static unsigned long hang(void) { for (;;) pause(); }
unsigned long C_GetFunctionList(struct list **out) {
  struct list *theirs;
  unsigned long (*get)(struct list **) = dlsym(dlopen("${SOFTHSM}", RTLD_NOW), "C_GetFunctionList");
  unsigned long code = get(&theirs);
  own = *theirs;
  own.calls[18] = (void *)hang;
  *out = &own;
  return code;
}`;

describe.skipIf(hsm.skip || cc.skip)(`a token whose login never returns${hsm.title}${cc.title}`, () => {
  const folder = sharedTempDir("coldkeep-hang");
  let soft: SoftHsm;
  const library = join(folder, "hanging.so");
  beforeAll(() => {
    soft = softHsm(folder);
    soft.token("vault");
    soft.aes("vault", "node-key", "01");
    writeFileSync(join(folder, "hanging.c"), SHIM);
    execFileSync("cc", ["-shared", "-fPIC", "-o", library, join(folder, "hanging.c"), "-ldl"], { stdio: "pipe" });
  });

  it("is told after pkcs11.timeout, by name and with the way out; nothing is in the vault", async () => {
    const pkcs11 = (file: string) => `pkcs11: { library: ${file}, label: vault, password: "${PIN}", timeout: 1s }`;
    const node = await keyedNode("encrypt_key: HOME/none.key");
    node.setKeys(`encrypt_key: node-key\n${pkcs11(library)}`);
    const argv = ["backup", "--config", node.config];
    const child = spawn(process.execPath, [COLDKEEP, ...argv], { stdio: ["ignore", "pipe", "pipe"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    let said = "";
    child.stderr.setEncoding("utf8");
    while (!said.includes("kill -9")) said += (await once(child.stderr, "data"))[0];
    expect(said).toMatch(/has not returned from C_Login for 1 s: \S+hanging\.so/);
    expect(said).toContain(`kill -9 ${child.pid}`);
    assertPrintedNoKey(argv, said);
    const ended = once(child, "exit");
    execFileSync("kill", ["-9", String(child.pid)]);
    expect((await ended)[1]).toBe("SIGKILL");
    expect(globSync(`${node.vault}/demo/data/*`)).toEqual([]);
    // The same token by its own library: nothing is left that would be in the way.
    node.setKeys(`encrypt_key: node-key\n${pkcs11(SOFTHSM)}`);
    await node.json("backup");
    expect(await node.restored()).toBe("content of the node");
  });
});
