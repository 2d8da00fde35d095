import { type CommandConfig, commandManager } from "./command-manager.ts";
import { type ComposeConfig, composeManager } from "./compose-manager.ts";
import { type DockerConfig, dockerManager } from "./docker-manager.ts";
import { type KubernetesConfig, kubernetesManager } from "./kubernetes-manager.ts";
import { noneManager } from "./none-manager.ts";
import { type SystemdConfig, systemdManager } from "./systemd-manager.ts";
import type { ServiceManager } from "./types.ts";

export type { CommandConfig } from "./command-manager.ts";
export { askCondition, type ConditionConfig } from "./condition.ts";
export { makeContainers } from "./containers.ts";
export * from "./control.ts";
export { copyOut } from "./copy-out.ts";
export type { Hooks } from "./hooks.ts";
export { httpGet } from "./http-get.ts";
export type { NodeKeyFile } from "./key-file.ts";
export { type HealthConfig, type HeightConfig, makeProbe } from "./probe.ts";
export { redact } from "./redact.ts";
export { type CommandLine, type CommandResult, describeFailure, runCommand } from "./run-command.ts";
export { makeTool, type Tool } from "./tool.ts";
export type * from "./types.ts";

/** How a node is stopped, started and asked whether it runs, as the configuration says it. */
export type ServiceConfig =
  | CommandConfig
  | SystemdConfig
  | DockerConfig
  | ComposeConfig
  | KubernetesConfig
  | { readonly manager: "none" };

/** The service manager that the configuration names. */
export function makeManager(config: ServiceConfig): ServiceManager {
  switch (config.manager) {
    case "command":
      return commandManager(config);
    case "systemd":
      return systemdManager(config);
    case "docker":
      return dockerManager(config);
    case "compose":
      return composeManager(config);
    case "kubernetes":
      return kubernetesManager(config);
    case "none":
      return noneManager;
  }
}
