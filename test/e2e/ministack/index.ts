import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onCi } from "../../support/ci.ts";
import type { Emulator } from "../emulator/localstack.ts";
import { answers, freePort, serverFolder, startServer } from "../emulator/server.ts";
import { type Missing, venvPython } from "../emulator/venv.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** Who may do everything there, as access key and secret. */
export const ROOT = { accessKeyId: "test", secretAccessKey: "test" } as const;

/**
 * Starts MiniStack on a free port of the loopback: an AWS emulator that decides by the policies of users, roles, buckets,
 * keys and function URLs, and so shows what the policies of ours forbid. Its functions run by the Node of this process. It
 * starts in a second, so each test file has its own. `stop` ends it with everything it started. What it does not have:
 * KMS that notices changed ciphertexts, bucket encryption, life cycles and locks by CloudFormation.
 */
export async function startMiniStack(): Promise<Emulator | Missing> {
  const python = await venvPython("ministack", join(HERE, "requirements.txt"));
  if (typeof python !== "string") {
    if (onCi()) throw new Error(`CI has no MiniStack: ${python.missing}`);
    return python;
  }
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const folder = serverFolder("ministack");
  const running = await startServer({
    label: "MiniStack",
    program: python,
    words: [join(HERE, "serve.py")],
    env: {
      // What it starts for functions is asked for by name: our Node, its own Python.
      PATH: [dirname(process.execPath), dirname(python), process.env.PATH ?? ""].join(":"),
      HOME: folder,
      TMPDIR: folder,
      STATE_DIR: join(folder, "state"),
      S3_DATA_DIR: join(folder, "s3"),
      AUTH: "true",
      AWS_ACCESS_KEY_ID: ROOT.accessKeyId,
      AWS_SECRET_ACCESS_KEY: ROOT.secretAccessKey,
      // Without it the server listens to the whole network.
      BIND_HOST: "127.0.0.1",
      MINISTACK_HOST: "127.0.0.1",
      GATEWAY_PORT: String(port),
      LAMBDA_EXECUTOR: "local",
      PERSIST_STATE: "0",
      S3_PERSIST: "0",
      SFTP_ENABLED: "0",
      IOT_MTLS_ENABLED: "0",
    },
    folder,
    healthy: () => answers(`${endpoint}/_ministack/health`),
  });
  return { endpoint, ...running };
}
