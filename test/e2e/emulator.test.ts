import { expect, it } from "vitest";
import { emulator } from "./emulator/index.ts";

const found = await emulator();
const why = "missing" in found ? found.missing : null;

it.skipIf(why !== null)(`the emulator answers${why === null ? "" : ` (${why})`}`, async () => {
  const { endpoint } = found as { endpoint: string };
  const health = (await (await fetch(`${endpoint}/_localstack/health`)).json()) as { services: object };
  expect(health.services).toMatchObject({ s3: expect.any(String), kms: expect.any(String), sqs: expect.any(String) });
});
