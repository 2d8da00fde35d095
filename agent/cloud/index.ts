export { CDK_PACKAGES, type Cdk, type CdkRun, findCdk, runCdk } from "./cdk.ts";
export type { CloudPlace } from "./clients.ts";
export { readNodes } from "./nodes.ts";
export { readStack, type Stack } from "./stack.ts";
export { type Alarm, type Queue, readAlarms, readQueues } from "./watch.ts";
