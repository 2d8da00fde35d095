import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

export interface Gateway {
  /** What $S3_… and AWS's variables are. */
  readonly env: Readonly<Record<string, string>>;
  /** The folder that holds the bucket's objects as files. */
  readonly bucket: string;
  stop(): Promise<void>;
}

const TRIES = 100;

/**
 * Starts VersityGW on loopback over a folder.
 * @throws Error where it does not answer.
 */
export async function startGateway(program: string, folder: string): Promise<Gateway> {
  const [objects, sidecar] = [join(folder, "objects"), join(folder, "sidecar")] as const;
  const bucket = join(objects, "bench");
  for (const each of [objects, sidecar]) mkdirSync(each, { recursive: true });
  const port = await freePort();
  const [user, password] = ["bench-user", "bench-password"];
  const child = spawn(program, ["--port", `127.0.0.1:${port}`, "--quiet", "posix", "--sidecar", sidecar, objects], {
    env: { ...process.env, ROOT_ACCESS_KEY: user, ROOT_SECRET_KEY: password },
    stdio: "ignore",
  });
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const stop = () => {
    child.kill();
    return ended;
  };
  const endpoint = `http://127.0.0.1:${port}`;
  process.env.AWS_ACCESS_KEY_ID = user;
  process.env.AWS_SECRET_ACCESS_KEY = password;
  // The SDK is loaded only where it is needed. The bucket is made by S3: a bare folder is none to the gateway.
  const { CreateBucketCommand, S3Client } = await import("@aws-sdk/client-s3");
  const client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, maxAttempts: 1 });
  for (let left = TRIES; ; left -= 1) {
    try {
      await client.send(new CreateBucketCommand({ Bucket: "bench" }));
      break;
    } catch (error) {
      if (left === 0 || child.exitCode !== null) {
        await stop();
        throw new Error(`${program} does not answer`, { cause: error });
      }
      await wait(100);
    }
  }
  const names = { S3_ENDPOINT: endpoint, S3_BUCKET: "bench", AWS_ACCESS_KEY_ID: user, AWS_SECRET_ACCESS_KEY: password };
  return { env: { ...names, AWS_REGION: "us-east-1" }, bucket, stop };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
