import { ColdkeepError } from "../../vault/names/index.ts";
import { type KubernetesPlace, makeKubectl } from "./kubectl.ts";
import { type PodConfig, podManager } from "./pod-manager.ts";
import type { CallOptions, ServiceManager } from "./types.ts";

interface ScaledConfig extends KubernetesPlace {
  readonly workload: "deployment" | "statefulset";
}

export type KubernetesConfig = ScaledConfig | PodConfig;

/** How many there were before the stop, written on the workload itself, so that whoever comes next knows it. */
const REPLICAS = "coldkeep.io/replicas";

interface Workload {
  readonly replicas: number;
  readonly ready: number;
  readonly remembered: number | null;
  readonly selector: string;
}

/** A workload of Kubernetes: one with a controller is scaled, a pod without one is deleted and made anew. */
export function kubernetesManager(config: KubernetesConfig): ServiceManager {
  return config.workload === "pod" ? podManager(config) : scaledManager(config);
}

/**
 * A Deployment or StatefulSet, scaled to 0 and back. It runs while one of its pods is there, even one that is ending;
 * it is started when as many are ready as there were.
 */
function scaledManager(config: ScaledConfig): ServiceManager {
  const { workload, name, namespace } = config;
  const kubectl = makeKubectl(config);
  const object = `${workload}/${name}`;

  async function look(options: CallOptions): Promise<Workload> {
    const what = "kubectl cannot tell how the workload stands";
    const text = await kubectl.must(["get", object, "--output=json"], options, "refused", what);
    return workloadOf(text, object);
  }

  async function pods(selector: string, options: CallOptions): Promise<number> {
    const words = ["get", "pods", `--selector=${selector}`, "--output=name"];
    const text = await kubectl.must(words, options, "refused", "kubectl cannot tell which pods there are");
    return text.split("\n").filter((line) => line !== "").length;
  }

  return {
    kind: "kubernetes",
    label: `${object} in namespace ${namespace}`,
    controls: true,
    async stop(options) {
      const { replicas } = await look(options);
      if (replicas === 0) return;
      const note = ["annotate", object, "--overwrite", `${REPLICAS}=${replicas}`];
      await kubectl.must(note, options, "node-stop", "its number of replicas could not be noted on the workload");
      const scale = ["scale", object, `--current-replicas=${replicas}`, "--replicas=0"];
      await kubectl.must(scale, options, "node-stop", "the workload could not be scaled to 0");
    },
    async start(options) {
      const { replicas, remembered } = await look(options);
      if (replicas > 0) return;
      const words = ["scale", object, `--replicas=${remembered ?? 1}`];
      await kubectl.must(words, options, "node-start", "the workload could not be scaled back");
    },
    async isRunning(options) {
      const { replicas, ready, selector } = await look(options);
      return replicas > 0 ? ready >= replicas : (await pods(selector, options)) > 0;
    },
  };
}

function workloadOf(text: string, object: string): Workload {
  const value = JSON.parse(text) as {
    readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
    readonly spec?: {
      readonly replicas?: number;
      readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    };
    readonly status?: { readonly readyReplicas?: number };
  };
  const labels = Object.entries(value.spec?.selector?.matchLabels ?? {});
  if (labels.length === 0) {
    throw new ColdkeepError("refused", { what: "the workload selects its pods by no labels", on: object });
  }
  const noted = value.metadata?.annotations?.[REPLICAS];
  return {
    replicas: value.spec?.replicas ?? 1,
    ready: value.status?.readyReplicas ?? 0,
    remembered: noted !== undefined && /^[1-9]\d{0,3}$/.test(noted) ? Number(noted) : null,
    selector: labels.map(([key, label]) => `${key}=${label}`).join(","),
  };
}
