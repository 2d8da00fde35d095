import { generateKeyPairSync } from "node:crypto";
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { armor, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { initNodeState } from "../../agent/state/index.ts";
import { toNodeName } from "../../vault/names/index.ts";
import { type KeyedNode, keyedNode } from "../support/keyed-node.ts";
import { keepSecret } from "../support/secrets.ts";
import { PIN, SOFTHSM, type SoftHsm, softHsm, softHsmOrSkip } from "../support/softhsm.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { emulator } from "./emulator/index.ts";

/**
 * The same round for every kind of key there is: two backups, verified and restored; then away from it to a key of another
 * kind, after which the old one opens no key file there is and no later snapshot.
 */
const hsm = await softHsmOrSkip();
const aws = await emulator();
const noAws = "missing" in aws ? ` (skipped: ${aws.missing})` : "";

const TEXT = "0H#y@EGXPOAScAnB";
const SM4 = "9T#k@EGXPOAScAnC";
const PASSPHRASE = "four short words here";
const REGION = "eu-west-1";
for (const secret of [TEXT, SM4, PASSPHRASE]) keepSecret(secret);
const hexOf = (text: string) => `0x${Buffer.from(text).toString("hex")}`;

const [own = "", next = ""] = await Promise.all([1, 2].map(() => generateX25519Identity()));
const [ownKey, nextKey] = await Promise.all([own, next].map((one) => identityToRecipient(one)));
const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
for (const secret of [own, next]) keepSecret(secret);

interface Source {
  readonly name: string;
  /** The lines of the configuration that make it the key. */
  readonly keys: string;
  /** What key.json has of it. */
  readonly slot: { readonly type: string; readonly mech?: string; readonly hash?: string };
  /** How it is named where it goes. A key itself has no business on a command line: its text is put into a file first. */
  readonly old: string;
  /** Where the private half is named, of keys whose public half alone is in the configuration. */
  readonly identity?: string;
  readonly skip?: string;
  readonly prepare?: (node: KeyedNode) => void;
  readonly env?: Readonly<Record<string, string>>;
  /** Lines that the configuration needs after the rotation, too. */
  readonly stays?: string;
}

const pin = (password: string) =>
  `pkcs11: { library: ${SOFTHSM}, label: vault, enabled: false, password: "${password}" }`;
const chainmaker =
  (encryptor: string, key: string, node = "") =>
  (home: KeyedNode) =>
    void home.file("chainmaker.yml", `storage: { encryptor: ${encryptor}, encrypt_key: "${key}" }\n${node}`);
const inFile = (name: string, content: string | Buffer) => (node: KeyedNode) => void node.file(name, content);
const credentials = (content: string | Buffer) => (node: KeyedNode) => {
  mkdirSync(node.path("credentials"), { mode: 0o700 });
  writeFileSync(node.path("credentials/own"), content, { mode: 0o400 });
};
const withCredentials = { CREDENTIALS_DIRECTORY: "HOME/credentials" };
const privatePem = pair.privateKey.export({ type: "pkcs8", format: "pem" });
const publicPem = pair.publicKey.export({ type: "spki", format: "pem" });
const inToken = { skip: hsm.title, slot: { type: "pkcs11", mech: "aes-kw" } } as const;

async function lockedIdentity(): Promise<string> {
  const file = new Encrypter();
  file.setPassphrase(PASSPHRASE);
  file.setScryptWorkFactor(10);
  return armor.encode(await file.encrypt(own));
}
const locked = await lockedIdentity();

const software: readonly Source[] = [
  {
    name: "a text",
    keys: `encrypt_key: "${TEXT}"`,
    slot: { type: "key" },
    old: "HOME/old.key",
    prepare: inFile("old.key", TEXT),
  },
  {
    name: "hexadecimal",
    keys: `encrypt_key: "${hexOf(TEXT)}"`,
    slot: { type: "key" },
    old: "HOME/old.key",
    prepare: inFile("old.key", TEXT),
  },
  {
    name: "a text, for sm4",
    keys: `encryptor: sm4\nencrypt_key: "${SM4}"`,
    slot: { type: "key" },
    old: "HOME/old.key",
    prepare: inFile("old.key", SM4),
    stays: "encryptor: sm4",
  },
  {
    name: "a file",
    keys: "encrypt_key: HOME/own.key",
    slot: { type: "key" },
    old: "HOME/own.key",
    prepare: inFile("own.key", `${TEXT}\n`),
  },
  {
    name: "a chainmaker.yml with a text",
    keys: "keys: { chainmaker: HOME/chainmaker.yml }",
    slot: { type: "key" },
    old: "HOME/old.key",
    prepare: (node) => {
      chainmaker("aes", TEXT)(node);
      node.file("old.key", TEXT);
    },
  },
  {
    name: "a chainmaker.yml with 0x, for sm4",
    keys: "keys: { chainmaker: HOME/chainmaker.yml }",
    slot: { type: "key" },
    old: "HOME/old.key",
    prepare: (node) => {
      chainmaker("sm4", hexOf(SM4))(node);
      node.file("old.key", SM4);
    },
    stays: "encryptor: sm4",
  },
  {
    name: "a chainmaker.yml with a file",
    keys: "keys: { chainmaker: HOME/chainmaker.yml }",
    slot: { type: "key" },
    old: "HOME/own.key",
    prepare: (node) => chainmaker("aes", node.file("own.key", `${TEXT}\n`))(node),
  },
  {
    name: "a credential that holds a text",
    keys: "encrypt_key: credential:own",
    slot: { type: "key" },
    old: "credential:own",
    prepare: credentials(TEXT),
    env: withCredentials,
  },
  {
    name: "a credential that holds an RSA private key",
    keys: "encrypt_key: credential:own",
    slot: { type: "rsa", hash: "sha256" },
    old: "credential:own",
    prepare: credentials(Buffer.from(privatePem)),
    env: withCredentials,
  },
  {
    name: "an RSA private key",
    keys: "keys: [rsa:HOME/own.pem]",
    slot: { type: "rsa", hash: "sha256" },
    old: "rsa:HOME/own.pem",
    prepare: inFile("own.pem", Buffer.from(privatePem)),
  },
  {
    name: "an RSA public key, its private half elsewhere",
    keys: "keys: [rsa:HOME/public.pem]",
    slot: { type: "rsa", hash: "sha256" },
    old: "rsa:HOME/public.pem",
    identity: "rsa:HOME/own.pem",
    prepare: (node) => {
      node.file("public.pem", Buffer.from(publicPem));
      node.file("own.pem", Buffer.from(privatePem));
    },
  },
  {
    name: "an age recipient, its identity elsewhere",
    keys: `keys: [${ownKey}]`,
    slot: { type: "age" },
    old: ownKey ?? "",
    identity: "age:HOME/own.txt",
    prepare: inFile("own.txt", own),
  },
  {
    name: "an age identity",
    keys: "keys: [age:HOME/own.txt]",
    slot: { type: "age" },
    old: "age:HOME/own.txt",
    prepare: inFile("own.txt", own),
  },
  {
    name: "an age identity under a passphrase",
    keys: 'keys: [{ key: "age:HOME/own.age", passphrase: "env:AGE_PASS" }]',
    slot: { type: "age" },
    old: ownKey ?? "",
    prepare: inFile("own.age", Buffer.from(locked)),
    env: { AGE_PASS: PASSPHRASE },
    stays: 'identities: [{ key: "age:HOME/own.age", passphrase: "env:AGE_PASS" }]',
  },
];

const elsewhere: readonly Source[] = [
  {
    ...inToken,
    name: "AES key wrap in a token, its PIN from the environment",
    keys: `keys: ["hsm:kw"]\n${pin("env:HSM_PIN")}`,
    old: "hsm:kw",
    env: { HSM_PIN: PIN },
    stays: pin("env:HSM_PIN"),
  },
  {
    ...inToken,
    name: "AES-GCM in a token, its PIN from a file",
    keys: `keys: ["hsm:gcm"]\n${pin("HOME/pin")}`,
    slot: { type: "pkcs11", mech: "aes-gcm" },
    old: "hsm:gcm",
    prepare: inFile("pin", `${PIN}\n`),
    stays: pin("HOME/pin"),
  },
  {
    ...inToken,
    name: "an RSA pair in a token (OAEP with SHA-1, all that SoftHSM has), its PIN from a credential",
    keys: `keys: [{ key: "hsm:pair", hash: sha1 }]\n${pin("credential:own")}`,
    slot: { type: "rsa", mech: "rsa-oaep", hash: "sha1" },
    old: "hsm:pair",
    prepare: credentials(PIN),
    env: withCredentials,
    stays: pin("credential:own"),
  },
  {
    ...inToken,
    name: "a chainmaker.yml with a KeyID in a token",
    keys: "keys: { chainmaker: HOME/chainmaker.yml }",
    old: "hsm:kw",
    prepare: chainmaker(
      "aes",
      "kw",
      `node: { pkcs11: { enabled: true, type: pkcs11, library: ${SOFTHSM}, label: vault, password: "${PIN}", session_cache_size: 10, hash: SHA256 } }\n`,
    ),
    stays: pin("env:HSM_PIN"),
    env: { HSM_PIN: PIN },
  },
];

/** Does `words` with what the source needs around it. */
function runner(node: KeyedNode, { env = {} }: Source) {
  const here = Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, value.replaceAll("HOME", node.home)]),
  );
  const run = (...words: string[]) => node.run(words, { env: here });
  const ok = async <T>(...words: string[]): Promise<T> => {
    const { code, stdout, stderr } = await run(...words, "--json");
    expect(code, `coldkeep ${words.join(" ")}: ${stderr}${stdout}`).toBe(0);
    return JSON.parse(stdout) as T;
  };
  return { run, ok };
}

/** The least stretching a reader takes: this is not about its cost. */
function stretchQuickly(node: KeyedNode): void {
  const { state } = initNodeState(node.path("state"), toNodeName("demo"));
  const salt = Buffer.alloc(32, 1).toString("base64url");
  for (const label of ["string", "hex", "credential:own", node.path("own.key"), node.path("next.key")]) {
    state.stretch(label, "aes-256-gcm", () => ({ kdf: "scrypt", salt, n: 2 ** 14, r: 8, p: 1 }));
    state.stretch(label, "sm4-gcm", () => ({ kdf: "pbkdf2-sm3", salt, iterations: 100_000 }));
  }
}

async function round(source: Source): Promise<void> {
  const node = await keyedNode("encrypt_key: HOME/none.key");
  source.prepare?.(node);
  stretchQuickly(node);
  node.setKeys(source.keys);
  const { run, ok } = runner(node, source);
  const at = (text: string) => text.replaceAll("HOME", node.home);
  const private_ = source.identity === undefined ? [] : ["--identity", at(source.identity)];
  let copies = 0;
  const restore = async (snapshot: string, ...more: string[]) => {
    copies += 1;
    const to = join(node.home, `copy-${copies}`);
    return { to, ...(await run("restore", snapshot, "--to", to, ...more)) };
  };

  const { snapshot: first } = await ok<{ snapshot: string }>("backup");
  writeFileSync(join(node.data, "more"), "more");
  const { snapshot: second, parent } = await ok<{ snapshot: string; parent: string }>("backup");
  expect(parent).toBe(first);
  const files = () => globSync(`${node.vault}/demo/data/*/key.json`).sort();
  const slots = (path: string) => JSON.parse(readFileSync(path, "utf8")).slots as { type: string }[];
  for (const path of files()) expect(slots(path)).toEqual([expect.objectContaining(source.slot)]);
  await ok("verify", "--all", "--read-data", ...private_);
  for (const snapshot of [first, second]) {
    const { code, stderr, to } = await restore(snapshot, ...private_);
    expect(code, stderr).toBe(0);
    expect(readFileSync(join(to, "data", "file"), "utf8")).toBe("content of the node");
  }
  if (source.identity !== undefined) expect(await restore(first)).toMatchObject({ code: 4 });

  // To a key of another kind: from age to a file, from all others to age.
  const toFile = source.slot.type === "age";
  node.file("next.key", "1H#y@EGXPOAScAnB");
  node.file("next.txt", next);
  const replaced = toFile ? "keys: [HOME/next.key]" : `keys: [${nextKey}]\nidentities: [age:HOME/next.txt]`;
  node.setKeys(`${replaced}\n${source.stays ?? ""}`);
  const rekeyed = await ok<{ rewritten: number }>("key", "rotate", "--old", at(source.old), ...private_);
  expect(rekeyed.rewritten).toBe(2);
  const { snapshot: third } = await ok<{ snapshot: string }>("backup");
  expect(files()).toHaveLength(3);
  for (const path of files()) expect(slots(path).map(({ type }) => type)).toEqual([toFile ? "key" : "age"]);
  await ok("verify", "--all", "--read-data");

  node.setKeys(source.keys);
  for (const snapshot of [first, second, third]) {
    const { code, stderr } = await restore(snapshot, ...private_);
    expect({ snapshot, code }, stderr).toEqual({ snapshot, code: 4 });
    expect(stderr).toMatch(/none of the keys given opens this snapshot/);
  }
}

describe("a round of backup, verify, restore and rotation with", () => {
  it.each(software)("$name", async (source) => await round(source));
});

describe("a round of backup, verify, restore and rotation with a real SoftHSM and", () => {
  const folder = sharedTempDir("coldkeep-sources");
  let soft: SoftHsm;
  beforeAll(async () => {
    if (hsm.skip) return;
    soft = softHsm(folder);
    soft.token("vault");
    soft.aes("vault", "kw", "01");
    await soft.mayOnly("vault", "gcm", { encrypt: true, decrypt: true });
    soft.tool("vault", "--keypairgen", "--key-type", "RSA:2048", "--label", "pair", "--id", "03", "--usage-decrypt");
  });
  for (const source of elsewhere) {
    it.skipIf(hsm.skip)(`${source.name}${hsm.title}`, async () => await round(source));
  }
});

describe("a round of backup, verify, restore and rotation with AWS KMS, emulated, and", () => {
  beforeEach(() => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
    vi.stubEnv("AWS_REGION", REGION);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it.skipIf(noAws !== "")(`a key by its ARN${noAws}`, async () => {
    const { endpoint } = aws as { endpoint: string };
    vi.stubEnv("AWS_ENDPOINT_URL_KMS", endpoint);
    const kms = new KMSClient({ endpoint, region: REGION });
    const arn = (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? "";
    await round({ name: "kms", keys: `keys: ["kms:${arn}"]`, slot: { type: "kms" }, old: `kms:${arn}` });
  });
});
