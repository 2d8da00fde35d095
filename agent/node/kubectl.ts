import { makeTool, type Tool } from "./tool.ts";

/** Where a workload is to be found, and as whom. */
export interface KubernetesPlace {
  readonly manager: "kubernetes";
  readonly name: string;
  readonly namespace: string;
  readonly context?: string;
  /** Absolute. */
  readonly kubeconfig?: string;
}

/** kubectl in that namespace; without context and kubeconfig, what it takes by itself. */
export function makeKubectl({ namespace, context, kubeconfig }: KubernetesPlace): Tool {
  return makeTool([
    "kubectl",
    ...(kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`]),
    ...(context === undefined ? [] : [`--context=${context}`]),
    `--namespace=${namespace}`,
  ]);
}
