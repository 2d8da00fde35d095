import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { answers, freePort, type Running, serverFolder, startServer } from "./server.ts";
import { type Missing, venvPython } from "./venv.ts";

export interface Emulator extends Running {
  /** `http://127.0.0.1:<port>`, for every service. */
  readonly endpoint: string;
}

const HERE = fileURLToPath(new URL(".", import.meta.url));

/**
 * Starts LocalStack without Docker on a free port of the loopback. It has all its services (S3, SQS, KMS, Lambda, …) and
 * loads each when it is first asked for, so there is nothing to choose. Signatures are checked; policies are not.
 */
export async function startLocalStack(): Promise<Emulator | Missing> {
  const python = await venvPython("localstack", join(HERE, "requirements.txt"));
  if (typeof python !== "string") return python;
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const folder = serverFolder("localstack");
  const running = await startServer({
    label: "LocalStack",
    program: python,
    words: ["-m", "localstack.runtime.main"],
    env: {
      PATH: process.env.PATH ?? "",
      HOME: folder,
      TMPDIR: folder,
      FILESYSTEM_ROOT: folder,
      PYTHONPATH: join(HERE, "python"),
      EMULATOR_ENDS_WITH_STDIN: "1",
      GATEWAY_LISTEN: `127.0.0.1:${port}`,
      LOCALSTACK_HOST: `127.0.0.1:${port}`,
      DNS_ADDRESS: "0",
      DISABLE_EVENTS: "1",
      SKIP_SSL_CERT_DOWNLOAD: "1",
      EAGER_SERVICE_LOADING: "0",
      SQS_ENDPOINT_STRATEGY: "path",
      // Functions run as processes of the Node that runs this.
      LAMBDA_RUNTIME_EXECUTOR: "process",
      LAMBDA_NODE: process.execPath,
      LAMBDA_RUNTIME: join(HERE, "lambda-runtime.mjs"),
      LAMBDA_KEEPALIVE_MS: "600000",
      S3_SKIP_SIGNATURE_VALIDATION: "0",
      S3_SKIP_KMS_KEY_VALIDATION: "0",
    },
    folder,
    healthy: () => answers(`${endpoint}/_localstack/health`),
  });
  return { endpoint, ...running };
}
