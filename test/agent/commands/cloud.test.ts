import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { EXIT_CODES } from "../../../agent/exit-codes.ts";
import { runHere } from "../../cli/run.ts";
import { tempDir } from "../../support/tmp.ts";

/** A FAKE of CloudFormation with one stack, for what no deployment of ours is: a newer one, or one that may not be seen. */
async function fakeCloud(version: string | null): Promise<string> {
  const outputs =
    version === null ? "" : `<member><OutputKey>Version</OutputKey><OutputValue>${version}</OutputValue></member>`;
  const answers: Readonly<Record<string, string>> = {
    DescribeStacks: `<Stacks><member><StackName>Coldkeep</StackName><StackStatus>UPDATE_COMPLETE</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime><Outputs>${outputs}</Outputs></member></Stacks>`,
    ListStackResources: "<StackResourceSummaries/>",
  };
  const server = createServer((request, answer) => {
    void text(request).then((body) => {
      const action = new URLSearchParams(body).get("Action") ?? "";
      const found = answers[action];
      const xml =
        found === undefined || version === "denied"
          ? "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
          : `<${action}Response><${action}Result>${found}</${action}Result></${action}Response>`;
      answer.writeHead(xml.startsWith("<Error") ? 403 : 200, { "content-type": "text/xml" }).end(xml);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeEach(() => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  return () => vi.unstubAllEnvs();
});

function configFile(): string {
  const file = join(tempDir("coldkeep-cloud"), "coldkeep.cdk.yaml");
  writeFileSync(file, "nodes: { icon: }\n");
  return file;
}

describe("coldkeep cloud deploy", () => {
  it("leaves a stack alone that a newer coldkeep has made", async () => {
    const env = { AWS_ENDPOINT_URL: await fakeCloud("9.0.0") };
    const words = ["cloud", "deploy", "--file", configFile(), "--region", "eu-central-1", "--yes"];
    const { code, stderr } = await runHere(words, { env });
    expect(stderr).toMatch(/a newer coldkeep has made this stack: Coldkeep: it is of 9\.0\.0, this is \d/);
    expect(stderr).toContain("--older-too");
    expect(code).toBe(EXIT_CODES.refused.code);
  });

  it("widens no rights where nobody can be asked and nobody said yes", async () => {
    const { code, stderr } = await runHere(["cloud", "deploy", "--file", configFile()]);
    expect([code, stderr]).toEqual([EXIT_CODES.usage.code, expect.stringContaining("--yes")]);
  });
});

describe("coldkeep cloud status", () => {
  it("shows what it may see, and says of the rest why it could not", async () => {
    const env = { AWS_ENDPOINT_URL: await fakeCloud(null) };
    const { code, stdout, stderr } = await runHere(["cloud", "status", "--region", "eu-central-1"], { env });
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^stack +Coldkeep in eu-central-1: UPDATE_COMPLETE, 2026-01-01/);
    expect(stdout).toMatch(/^version +not told; this command line is \d/m);
    expect(stdout).toMatch(/^nodes could not be seen: the stack names no presenter.*coldkeep cloud deploy/m);
  });

  it("is denied in plain words where the stack itself may not be seen", async () => {
    const env = { AWS_ENDPOINT_URL: await fakeCloud("denied") };
    const { code, stderr } = await runHere(["cloud", "status", "--region", "eu-central-1"], { env });
    expect(stderr).toMatch(/cannot look at the stack: Coldkeep: AWS denies it\nAllow cloudformation:DescribeStacks/);
    expect(code).toBe(EXIT_CODES.permission.code);
  });
});
