import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT, startMiniStack } from "./ministack/index.ts";
import { createUser } from "./ministack/users.ts";
import { endpointOf } from "./s3.ts";

const server = await startMiniStack();
afterAll(async () => {
  if ("stop" in server) await server.stop();
});
const why = "missing" in server ? ` (skipped: ${server.missing})` : "";

/** What other tests take for granted of the emulator that decides by policies. */
describe.skipIf(why !== "")(`MiniStack${why}`, () => {
  const Bucket = "vault";
  const objects = `arn:aws:s3:::${Bucket}/*`;
  let root: S3Client;
  let user: S3Client;
  const client = (credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }) =>
    new S3Client({
      endpoint: endpointOf(server),
      region: "us-east-1",
      forcePathStyle: true,
      maxAttempts: 1,
      credentials,
    });
  const put = (by: S3Client, Key: string, more: object = {}) =>
    by.send(new PutObjectCommand({ Bucket, Key, Body: "x", ...more }));
  const denied = { name: "AccessDenied" };

  beforeAll(async () => {
    root = client(ROOT);
    await root.send(new CreateBucketCommand({ Bucket }));
    const put = { Effect: "Allow", Action: "s3:PutObject", Resource: objects } as const;
    const keys = await createUser(endpointOf(server), [put]);
    user = client({ accessKeyId: keys.AWS_ACCESS_KEY_ID, secretAccessKey: keys.AWS_SECRET_ACCESS_KEY });
  });

  it("lets a user do what his policy allows, and nothing else", async () => {
    await put(user, "own");
    await expect(user.send(new GetObjectCommand({ Bucket, Key: "own" }))).rejects.toMatchObject(denied);
    expect(await (await root.send(new GetObjectCommand({ Bucket, Key: "own" }))).Body?.transformToString()).toBe("x");
  });

  it("knows a user by his secret", async () => {
    const id = (await user.config.credentials()).accessKeyId;
    await expect(put(client({ accessKeyId: id, secretAccessKey: "wrong" }), "x")).rejects.toMatchObject({
      name: "SignatureDoesNotMatch",
    });
  });

  it("takes the loopback for TLS, and names a role, not its session", async () => {
    const root_ = { endpoint: endpointOf(server), region: "us-east-1", credentials: ROOT };
    const [iam, sts] = [new IAMClient(root_), new STSClient(root_)];
    const roleOf = async (RoleName: string) => {
      const trust = { Effect: "Allow", Principal: { AWS: "arn:aws:iam::000000000000:root" }, Action: "sts:AssumeRole" };
      const document = (Statement: object) => JSON.stringify({ Version: "2012-10-17", Statement });
      const made = await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: document(trust) }));
      const PolicyDocument = document({ Effect: "Allow", Action: "s3:PutObject", Resource: objects });
      await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: "all", PolicyDocument }));
      const RoleArn = made.Role?.Arn ?? "";
      const { Credentials: c } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "any" }));
      const keys = { accessKeyId: c?.AccessKeyId ?? "", secretAccessKey: c?.SecretAccessKey ?? "" };
      return { arn: RoleArn, client: client({ ...keys, sessionToken: c?.SessionToken ?? "" }) };
    };
    const [named, other] = [await roleOf("named"), await roleOf("other")];
    const deny = (Condition: object) => ({
      Effect: "Deny",
      Principal: "*",
      Action: "s3:PutObject",
      Resource: objects,
      Condition,
    });
    const Statement = [
      deny({ Bool: { "aws:SecureTransport": "false" } }),
      deny({ ArnNotEquals: { "aws:PrincipalArn": named.arn } }),
    ];
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
    await root.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    await put(named.client, "by-role");
    await expect(put(other.client, "by-role")).rejects.toMatchObject(denied);
  });

  it("enforces that objects are created only, by put and in parts", async () => {
    const condition = { Null: { "s3:if-none-match": "true" }, Bool: { "s3:ObjectCreationOperation": "true" } };
    const rule = { Effect: "Deny", Principal: "*", Action: "s3:PutObject", Resource: objects, Condition: condition };
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [rule] });
    await root.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    await expect(put(user, "bare")).rejects.toMatchObject(denied);
    await put(user, "created", { IfNoneMatch: "*" });
    await expect(put(user, "created", { IfNoneMatch: "*" })).rejects.toMatchObject({ name: "PreconditionFailed" });

    const Key = "parts";
    const { UploadId } = await user.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const upload = { Bucket, Key, UploadId };
    const { ETag } = await user.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: "x" }));
    const whole = { ...upload, MultipartUpload: { Parts: [{ ETag, PartNumber: 1 }] } };
    await expect(user.send(new CompleteMultipartUploadCommand(whole))).rejects.toMatchObject(denied);
    await user.send(new CompleteMultipartUploadCommand({ ...whole, IfNoneMatch: "*" }));
  });
});
