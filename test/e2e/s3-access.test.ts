import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ColdkeepError } from "../../vault/names/index.ts";
import { hashed } from "../../vault/store/hashed.ts";
import { openS3Store, type S3StoreOptions } from "../../vault/store/s3/index.ts";
import { tempDir } from "../support/tmp.ts";
import { toolOrSkip } from "../support/tools.ts";
import { ROOT, startMiniStack } from "./ministack/index.ts";
import { createUser, type Statement, type UserEnv } from "./ministack/users.ts";
import { endpointOf } from "./s3.ts";
import { HIDDEN_NAME, listen, securedFront, startConnect } from "./tls.ts";

const server = await startMiniStack();
afterAll(async () => {
  if ("stop" in server) await server.stop();
});
const why = "missing" in server ? ` (skipped: ${server.missing})` : "";
const openssl = toolOrSkip("openssl", "openssl");
const Bucket = "vault";
const ALLOW: readonly Statement[] = [
  { Effect: "Allow", Action: ["s3:PutObject", "s3:GetObject"], Resource: `arn:aws:s3:::${Bucket}/*` },
  { Effect: "Allow", Action: "s3:ListBucket", Resource: `arn:aws:s3:::${Bucket}` },
];

interface SessionKeys {
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  readonly SessionToken: string;
}

/** The server looks at credentials: what is read was read by whoever the test says. */
describe.skipIf(why !== "")(`how a vault in S3 is reached${why}`, { timeout: 120_000 }, () => {
  let home: string;
  let roleArn = "";
  let user: UserEnv;

  beforeAll(async () => {
    const endpoint = endpointOf(server);
    await new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials: ROOT }).send(
      new CreateBucketCommand({ Bucket }),
    );
    user = await createUser(endpoint, ALLOW);
    const iam = new IAMClient({ endpoint, region: "us-east-1", credentials: ROOT });
    const trust = { Effect: "Allow", Principal: "*", Action: ["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity"] };
    const AssumeRolePolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [trust] });
    const { Role } = await iam.send(new CreateRoleCommand({ RoleName: "agent", AssumeRolePolicyDocument }));
    roleArn = Role?.Arn ?? "";
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: ALLOW });
    await iam.send(new PutRolePolicyCommand({ RoleName: "agent", PolicyName: "all", PolicyDocument }));
  });
  /** Nobody's credentials, wherever the SDK looks. */
  beforeEach(() => {
    home = tempDir("coldkeep-aws");
    for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) vi.stubEnv(name, undefined);
    vi.stubEnv("HOME", home);
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    mkdirSync(join(home, ".aws", "sso", "cache"), { recursive: true });
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  const open = (s3: S3StoreOptions["s3"] = {}, more: Partial<S3StoreOptions> = {}) =>
    openS3Store(`s3://${Bucket}/t`, { s3: { endpoint: endpointOf(server), region: "us-east-1", ...s3 }, ...more });
  const aws = (file: "config" | "credentials", text: string) => writeFileSync(join(home, ".aws", file), text);
  let count = 0;

  /** Puts and reads back. */
  async function use(store: ReturnType<typeof open>): Promise<void> {
    count += 1;
    await store.create(`n/${count}`, hashed(Buffer.from("x")));
    expect((await store.get(`n/${count}`))?.bytes).toHaveLength(1);
  }

  async function refusal(store: ReturnType<typeof open>): Promise<ColdkeepError> {
    const error = await store.get("n/a").catch((e: unknown) => e);
    if (error instanceof ColdkeepError) return error;
    throw new Error(`it did not fail: ${error}`);
  }

  /** Credentials of the role, from the emulator's own token service. */
  async function assume(): Promise<SessionKeys> {
    const words = new URLSearchParams({
      ...{ Action: "AssumeRoleWithWebIdentity", Version: "2011-06-15", RoleSessionName: "test" },
      ...{ RoleArn: roleArn, WebIdentityToken: "token" },
    });
    const answer = await (await fetch(endpointOf(server), { method: "POST", body: words })).text();
    const part = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(answer)?.[1] ?? "";
    const [AccessKeyId, SecretAccessKey, SessionToken] = ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(part);
    if (!AccessKeyId || !SecretAccessKey || !SessionToken) throw new Error(answer);
    return { AccessKeyId, SecretAccessKey, SessionToken };
  }

  /** A small HTTP server of the test's own. */
  async function serve(answer: (path: string, headers: IncomingMessage["headers"]) => unknown): Promise<string> {
    const small = createServer(({ url = "", headers }, response) => {
      const found = answer(url, headers);
      response
        .writeHead(found === undefined ? 404 : 200)
        .end(typeof found === "string" ? found : JSON.stringify(found));
    });
    return `http://127.0.0.1:${await listen(small)}`;
  }

  const inAnHour = () => new Date(Date.now() + 3_600_000);

  it("a profile of ~/.aws, by `profile` and by AWS_PROFILE; a name that is not there is told", async () => {
    aws("config", "[profile backup]\nregion = us-east-1\n");
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = user;
    const keys = `aws_access_key_id = ${AWS_ACCESS_KEY_ID}\naws_secret_access_key = ${AWS_SECRET_ACCESS_KEY}`;
    aws("credentials", `[backup]\n${keys}\n`);
    await use(open({ profile: "backup" }));
    expect(await refusal(open())).toMatchObject({ kind: "permission" });
    const wrong = await refusal(open({ profile: "bakcup" }));
    expect(wrong.kind).toBe("permission");
    expect(wrong.message).toMatch(/bakcup|no AWS credentials/);
    vi.stubEnv("AWS_PROFILE", "backup");
    await use(open());
  });

  it("a web identity, by the token service", async () => {
    writeFileSync(join(home, "token"), "token");
    vi.stubEnv("AWS_WEB_IDENTITY_TOKEN_FILE", join(home, "token"));
    vi.stubEnv("AWS_ROLE_ARN", roleArn);
    vi.stubEnv("AWS_ENDPOINT_URL_STS", endpointOf(server));
    await use(open());
  });

  it("an instance's role (by a stand-in for the metadata service)", async () => {
    const { SessionToken: Token, ...keys } = await assume();
    const role = { Code: "Success", Type: "AWS-HMAC", ...keys, Token, Expiration: inAnHour().toISOString() };
    const asked: string[] = [];
    const metadata = await serve((path, headers) => {
      asked.push(path);
      if (path === "/latest/api/token") return "session";
      if (headers["x-aws-ec2-metadata-token"] !== "session") return undefined;
      return path.endsWith("/security-credentials/") ? "agent" : path.endsWith("/agent") ? role : undefined;
    });
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", undefined);
    vi.stubEnv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata);
    await use(open());
    expect(asked).toContain("/latest/meta-data/iam/security-credentials/agent");
  });

  it("a container's role (by a stand-in for its endpoint)", async () => {
    const { SessionToken: Token, ...keys } = await assume();
    const endpoint = await serve(() => ({ ...keys, Token, Expiration: inAnHour().toISOString() }));
    vi.stubEnv("AWS_CONTAINER_CREDENTIALS_FULL_URI", `${endpoint}/role`);
    await use(open());
  });

  it("single sign-on, by the token that `aws sso login` leaves (by a stand-in for the portal); an old one is told", async () => {
    const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = await assume();
    const roleCredentials = { accessKeyId, secretAccessKey, sessionToken, expiration: inAnHour().getTime() };
    const portal = await serve((path, headers) =>
      path.startsWith("/federation/credentials") && headers["x-amz-sso_bearer_token"] === "fresh"
        ? { roleCredentials }
        : undefined,
    );
    vi.stubEnv("AWS_ENDPOINT_URL_SSO", portal);
    aws(
      "config",
      "[sso-session firm]\nsso_region = us-east-1\nsso_start_url = https://firm.invalid/start\n" +
        "[profile person]\nregion = us-east-1\nsso_session = firm\nsso_account_id = 000000000000\nsso_role_name = agent\n",
    );
    const cached = join(home, ".aws", "sso", "cache", `${createHash("sha1").update("firm").digest("hex")}.json`);
    const login = (expiresAt: Date) =>
      writeFileSync(cached, JSON.stringify({ accessToken: "fresh", expiresAt: expiresAt.toISOString() }));
    login(inAnHour());
    await use(open({ profile: "person" }));
    login(new Date(0));
    const error = await refusal(open({ profile: "person" }));
    expect(error.kind).toBe("permission");
    expect(error.message).toMatch(/aws sso login/);
  });

  it("credentials whose time is over, and those of somebody unknown, are told apart", async () => {
    const { AccessKeyId, SecretAccessKey } = await assume();
    vi.stubEnv("AWS_ACCESS_KEY_ID", AccessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", SecretAccessKey);
    vi.stubEnv("AWS_SESSION_TOKEN", "another's");
    expect(await refusal(open())).toMatchObject({ kind: "permission", retryable: false });
    vi.stubEnv("AWS_SESSION_TOKEN", undefined);
    vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIANOBODYATALL00000");
    expect(await refusal(open())).toMatchObject({ kind: "permission", retryable: false });
  });

  describe.skipIf(openssl.skip)(`over TLS and through a proxy${openssl.title}`, () => {
    beforeEach(() => {
      for (const [name, value] of Object.entries(user)) vi.stubEnv(name, value);
    });

    it("HTTPS_PROXY and ca_bundle: all calls go through it; nothing is resolved here", async () => {
      const { port, ca } = await securedFront(endpointOf(server), home);
      const proxy = await startConnect(port);
      const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
      const s3 = { endpoint: `https://${HIDDEN_NAME}:${port}`, caBundle: ca };
      await use(open(s3, { env }));
      expect(new Set(proxy.asked)).toEqual(new Set([`${HIDDEN_NAME}:${port}`]));
      await use(open({ endpoint: s3.endpoint }, { env: { ...env, AWS_CA_BUNDLE: ca } }));
      const direct = await refusal(open(s3, { env: { ...env, NO_PROXY: HIDDEN_NAME } }));
      expect(direct.message).toMatch(/cannot be reached \((ENOTFOUND|EAI_AGAIN)/);
    });

    it("an authority nobody knows, a proxy that wants a password or is gone, are told", async () => {
      const { port, ca } = await securedFront(endpointOf(server), home);
      const proxy = await startConnect(port, "name:prickly-password");
      const endpoint = `https://${HIDDEN_NAME}:${port}`;
      const at = `127.0.0.1:${proxy.port}`;
      const known = { HTTPS_PROXY: `http://name:prickly-password@${at}` };
      await use(open({ endpoint, caBundle: ca }, { env: known }));
      expect((await refusal(open({ endpoint }, { env: known }))).message).toMatch(/certificate.*ca_bundle/s);
      const stranger = await refusal(
        open({ endpoint, caBundle: ca }, { env: { HTTPS_PROXY: `http://name:no@${at}` } }),
      );
      expect(stranger.message).toMatch(/proxy/i);
      expect(stranger.message).not.toContain("name:no");
      const gone = await refusal(open({ endpoint, caBundle: ca }, { env: { HTTPS_PROXY: "http://127.0.0.1:1" } }));
      expect(gone.message).toMatch(/cannot be reached|proxy/);
      expect(() => open({ endpoint, caBundle: "/nowhere.pem" })).toThrow(/cannot read the certificate authorities/);
    });
  });
});
