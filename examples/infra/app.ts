/**
 * coldkeep inside an app of your own: the whole stack, beside one that uses what it made.
 *
 *     npm install coldkeep aws-cdk aws-cdk-lib constructs
 *     npx cdk deploy --all --app "node app.ts"
 */
import { App, CfnOutput, Stack } from "aws-cdk-lib";
import { SqsSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { ColdkeepStack, configOf, VaultBucket } from "coldkeep/infra";

const app = new App();
const env = { account: "111122223333", region: "eu-central-1" };

// All of it: a bucket, what keeps it, alarms and the URLs to restore by.
const config = configOf({
  nodes: { icon: { tiers: { keep_within: "15d", keep_weekly: 8 } }, eth: null },
  prefix: "nodes",
  tickets: true,
});
const coldkeep = new ColdkeepStack(app, "Coldkeep", { config, env });

// What else belongs to it: whoever is on duty hears of alarms by a queue of theirs.
const duty = new Stack(app, "Duty", { env });
coldkeep.alarmTopic.addSubscription(new SqsSubscription(new Queue(duty, "Calls", { enforceSSL: true })));

// Or a construct by itself: a bucket as coldkeep wants it, for a second vault that `coldkeep copy` fills.
const second = new Stack(app, "SecondVault", { env: { ...env, region: "eu-north-1" } });
const { bucket } = new VaultBucket(second, "Vault", { config });
new CfnOutput(second, "Place", { value: `s3://${bucket.bucketName}` });

app.synth();
