/**
 * coldkeep in somebody else's CDK app (`import … from "coldkeep/infra"`): the whole stack, or its constructs one by one. The
 * functions that it deploys come along, built.
 */
export { Alarms, type AlarmsProps, AlarmTopic } from "./alarms.ts";
export { ColdkeepStack, type ColdkeepStackProps } from "./coldkeep-stack.ts";
export { configOf } from "./config.ts";
export type { FunctionBase } from "./function.ts";
export { defaultHandlers } from "./handlers.ts";
export { Indexer } from "./indexer.ts";
export { type Grants, JOBS } from "./jobs.ts";
export { Nightly, type NightlyProps } from "./nightly.ts";
export type { VaultPlace } from "./place.ts";
export { Presenter, type PresenterProps } from "./presenter.ts";
export { readConfigFile } from "./read-config.ts";
export { OperatorRole, type OperatorRoleProps } from "./roles.ts";
export { settingsOf } from "./settings.ts";
export type { InfraConfig, WrittenInfraConfig } from "./types.ts";
export { VaultBucket, type VaultBucketProps } from "./vault-bucket.ts";
