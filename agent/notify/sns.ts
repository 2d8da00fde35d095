import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import type { Notice } from "./types.ts";

/** Publishes to a topic, with the credentials that the AWS SDK finds. The region is the topic's. */
export async function publish(topic: string, notice: Notice, signal: AbortSignal): Promise<void> {
  const region = topic.split(":")[3] ?? "";
  const client = new SNSClient({ region, maxAttempts: 1 });
  try {
    // A subject is one line of at most 100 printable ASCII characters.
    const Subject = notice.title.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 100);
    await client.send(
      new PublishCommand({ TopicArn: topic, Subject, Message: `${notice.title}\n\n${notice.words}\n` }),
      {
        abortSignal: signal,
      },
    );
  } finally {
    client.destroy();
  }
}
