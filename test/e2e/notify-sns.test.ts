import { randomBytes } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeHost } from "../cli/host.ts";
import { tempDir } from "../support/tmp.ts";
import { emulator } from "./emulator/index.ts";
import { endpointOf } from "./s3.ts";

const aws = await emulator();
const missing = "missing" in aws ? ` (${aws.missing})` : "";

describe.skipIf("missing" in aws)(`notices by SNS${missing}`, { timeout: 60_000 }, () => {
  it("of a run that failed, and of the first that works again, come to who subscribed", async () => {
    const at = { endpoint: endpointOf(aws), region: "us-east-1" };
    const [sns, sqs] = [new SNSClient(at), new SQSClient(at)];
    const name = `notices-${randomBytes(4).toString("hex")}`;
    const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: name }));
    const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
    const asked = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] });
    const Endpoint = (await sqs.send(asked)).Attributes?.QueueArn;
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: "sqs", Endpoint }));
    const before = process.env.AWS_ENDPOINT_URL;
    process.env.AWS_ENDPOINT_URL = at.endpoint;
    onTestFinished(() => {
      if (before === undefined) delete process.env.AWS_ENDPOINT_URL;
      else process.env.AWS_ENDPOINT_URL = before;
    });

    const host = await makeHost(tempDir("coldkeep-sns"));
    appendFileSync(host.config, `\nnotify:\n  - sns: ${TopicArn}\n`);
    const start = /start: .*/.exec(readFileSync(host.config, "utf8"))?.[0] ?? "";
    host.change(start, "start: 'exit 7'");
    await host.failure("backup");
    const next = async (): Promise<{ Subject: string; Message: string }> => {
      let found: Message | undefined;
      // Long polling: each call waits for a message by itself.
      for (let ask = 0; ask < 3 && found === undefined; ask += 1) {
        const call = new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10, MaxNumberOfMessages: 1 });
        found = (await sqs.send(call)).Messages?.[0];
      }
      return JSON.parse(found?.Body ?? "{}");
    };
    const failed = await next();
    expect(failed.Subject).toMatch(/^[\x20-\x7e]{1,100}$/);
    expect(failed.Message).toContain("demo");
    expect(failed.Message).toMatch(/start/);
    host.change("start: 'exit 7'", start);
    await host.json("backup");
    expect((await next()).Subject).toMatch(/again|works/i);
  });
});
