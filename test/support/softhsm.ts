import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openModule } from "../../agent/keys/pkcs11/module.ts";
import { onCi } from "./ci.ts";
import { keepSecret } from "./secrets.ts";

const LIBRARIES = [
  "/usr/lib/softhsm/libsofthsm2.so",
  "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
  "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
  "/usr/lib64/pkcs11/libsofthsm2.so",
];

export const SOFTHSM = LIBRARIES.find((path) => existsSync(path)) ?? "";
export const PIN = "prickly-1234";
keepSecret(PIN);

/** Why the tests on a real token cannot run here, in their title. On CI that is a failure. */
export async function softHsmOrSkip(): Promise<{ readonly skip: boolean; readonly title: string }> {
  const missing =
    SOFTHSM === "" ||
    spawnSync("which", ["softhsm2-util"]).status !== 0 ||
    spawnSync("which", ["pkcs11-tool"]).status !== 0
      ? "SoftHSM is missing; on Debian and Ubuntu: apt-get install softhsm2 opensc"
      : await import("pkcs11js").then(
          () => null,
          () => "pkcs11js was not built; run: npm rebuild pkcs11js",
        );
  if (missing === null) return { skip: false, title: "" };
  if (onCi()) throw new Error(missing);
  return { skip: true, title: ` (skipped: ${missing})` };
}

/** Tokens in a folder of their own. SoftHSM reads its configuration once a process: one folder a test file. */
export interface SoftHsm {
  readonly tokens: string;
  /** Makes a token with PIN as its user PIN. */
  token(label: string): void;
  /** pkcs11-tool, logged in to a token. */
  tool(label: string, ...words: string[]): string;
  /** Makes an AES key of 32 bytes, which pkcs11-tool lets wrap and unwrap unless `usage` says otherwise. */
  aes(token: string, label: string, id: string, ...usage: string[]): void;
  /** Makes an AES key that may do what is said and nothing else; its id is its label. pkcs11-tool cannot say that. */
  mayOnly(token: string, label: string, may: May): Promise<void>;
  /** Puts an AES key of that value into the token, to wrap and unwrap with. */
  imported(token: string, label: string, value: Buffer): Promise<void>;
  /** Takes the right to wrap from a key. */
  forbidWrapping(token: string, label: string): Promise<void>;
}

type May = Partial<Record<"wrap" | "unwrap" | "encrypt" | "decrypt", boolean>>;

export function softHsm(folder: string): SoftHsm {
  const tokens = join(folder, "tokens");
  mkdirSync(tokens);
  const conf = join(folder, "softhsm2.conf");
  writeFileSync(conf, `directories.tokendir = ${tokens}\nlog.level = ERROR\nslots.removable = true\n`);
  process.env.SOFTHSM2_CONF = conf;
  const run = (file: string, words: readonly string[]) =>
    execFileSync(file, words, { encoding: "utf8", stdio: "pipe" });
  return {
    tokens,
    token(label) {
      run("softhsm2-util", ["--init-token", "--free", "--label", label, "--so-pin", "so-5678", "--pin", PIN]);
    },
    tool(label, ...words) {
      return run("pkcs11-tool", ["--module", SOFTHSM, "--token-label", label, "--login", "--pin", PIN, ...words]);
    },
    aes(token, label, id, ...usage) {
      const words = usage.length === 0 ? ["--usage-wrap"] : usage;
      this.tool(token, "--keygen", "--key-type", "AES:32", "--label", label, "--id", id, ...words);
    },
    mayOnly,
    imported,
    forbidWrapping,
  };
}

async function mayOnly(token: string, label: string, may: May): Promise<void> {
  await inSession(token, ({ api, lib }, session) => {
    const flags = { wrap: api.CKA_WRAP, unwrap: api.CKA_UNWRAP, encrypt: api.CKA_ENCRYPT, decrypt: api.CKA_DECRYPT };
    lib.C_GenerateKey(session, { mechanism: api.CKM_AES_KEY_GEN }, [
      { type: api.CKA_TOKEN, value: true },
      { type: api.CKA_VALUE_LEN, value: 32 },
      { type: api.CKA_LABEL, value: label },
      { type: api.CKA_ID, value: Buffer.from(label) },
      ...Object.entries(flags).map(([name, type]) => ({ type, value: may[name as keyof May] === true })),
    ]);
  });
}

async function imported(token: string, label: string, value: Buffer): Promise<void> {
  await inSession(token, ({ api, lib }, session) => {
    lib.C_CreateObject(session, [
      { type: api.CKA_CLASS, value: api.CKO_SECRET_KEY },
      { type: api.CKA_KEY_TYPE, value: api.CKK_AES },
      { type: api.CKA_TOKEN, value: true },
      { type: api.CKA_LABEL, value: label },
      { type: api.CKA_ID, value: Buffer.from(label) },
      { type: api.CKA_WRAP, value: true },
      { type: api.CKA_UNWRAP, value: true },
      { type: api.CKA_VALUE, value },
    ]);
  });
}

async function forbidWrapping(token: string, label: string): Promise<void> {
  await inSession(token, ({ api, lib }, session) => {
    lib.C_FindObjectsInit(session, [{ type: api.CKA_LABEL, value: label }]);
    const [key] = lib.C_FindObjects(session, 1);
    lib.C_FindObjectsFinal(session);
    lib.C_SetAttributeValue(session, key as Buffer, [{ type: api.CKA_WRAP, value: false }]);
  });
}

type Module = Awaited<ReturnType<typeof openModule>>;

async function inSession(token: string, work: (module: Module, session: Buffer) => void): Promise<void> {
  const module = await openModule(SOFTHSM);
  const { api, lib } = module;
  const slot = lib.C_GetSlotList(true).find((one) => lib.C_GetTokenInfo(one).label.trim() === token);
  const session = lib.C_OpenSession(slot as Buffer, api.CKF_SERIAL_SESSION | api.CKF_RW_SESSION);
  try {
    lib.C_Login(session, api.CKU_USER, PIN);
  } catch {
    // Another session of this process is logged in.
  }
  work(module, session);
  lib.C_CloseSession(session);
}
