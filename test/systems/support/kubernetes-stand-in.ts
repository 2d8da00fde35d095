import { type ChildProcess, spawn } from "node:child_process";
import { type ApiStandIn, resources, serveApi } from "./kubernetes-api.ts";

/**
 * As much of Kubernetes' API as the real kubectl needs to look at one StatefulSet, to annotate it and to scale it; its one
 * pod is a process of this host. No cluster can be had where these tests run.
 */
export interface KubernetesStandIn extends ApiStandIn {
  readonly url: string;
  halt(): void;
}

const KIND = { statefulset: "StatefulSet", namespace: "chain", name: "node" };

/** `words` are run for the pod; null: its image cannot be pulled, and it never gets ready. */
export async function startKubernetes(words: readonly string[] | null): Promise<KubernetesStandIn> {
  let replicas = 0;
  let annotations: Record<string, string> = {};
  let pod: ChildProcess | null = null;

  const runs = () => pod !== null && pod.exitCode === null && pod.signalCode === null;
  /** What a controller does: pods become as many as are asked for. */
  function reconcile(): void {
    if (replicas > 0 && !runs() && words !== null) {
      pod = spawn(words[0] ?? "", words.slice(1), { stdio: "ignore", detached: true });
      const mine = pod;
      // A pod that is gone is made anew while it is wanted.
      mine.once("exit", () => pod === mine && reconcile());
    } else if (replicas === 0 && runs()) pod?.kill("SIGTERM");
  }

  const workload = () => ({
    apiVersion: "apps/v1",
    kind: KIND.statefulset,
    metadata: { name: KIND.name, namespace: KIND.namespace, resourceVersion: "1", annotations },
    spec: { replicas, selector: { matchLabels: { app: "node" } } },
    status: { replicas: runs() ? 1 : 0, readyReplicas: runs() && replicas > 0 ? 1 : 0 },
  });
  const scale = () => ({
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    metadata: { name: KIND.name, namespace: KIND.namespace, resourceVersion: "1" },
    spec: { replicas },
    status: { replicas: runs() ? 1 : 0 },
  });
  const pods = () => ({
    apiVersion: "v1",
    kind: "PodList",
    metadata: {},
    items: runs()
      ? [
          {
            apiVersion: "v1",
            kind: "Pod",
            metadata: { name: `${KIND.name}-0`, namespace: KIND.namespace },
            spec: {},
            status: {},
          },
        ]
      : [],
  });

  const stand: KubernetesStandIn = { url: "", requests: [], forbidden: false, halt };

  function answer(call: string, body: string): unknown {
    const one = `/apis/apps/v1/namespaces/${KIND.namespace}/statefulsets/${KIND.name}`;
    switch (call) {
      case "GET /api":
        return { kind: "APIVersions", versions: ["v1"] };
      case "GET /apis":
        return {
          kind: "APIGroupList",
          apiVersion: "v1",
          groups: [{ name: "apps", versions: [APPS], preferredVersion: APPS }],
        };
      case "GET /api/v1":
        return resources("v1", [
          { name: "pods", singularName: "pod", namespaced: true, kind: "Pod", verbs: ["get", "list"] },
        ]);
      case "GET /apis/apps/v1":
        return resources("apps/v1", [
          {
            name: "statefulsets",
            singularName: "statefulset",
            namespaced: true,
            kind: KIND.statefulset,
            verbs: ["get", "patch"],
          },
          {
            name: "statefulsets/scale",
            singularName: "",
            namespaced: true,
            group: "autoscaling",
            version: "v1",
            kind: "Scale",
            verbs: ["get", "patch", "update"],
          },
        ]);
      case `GET ${one}`:
        return workload();
      case `PATCH ${one}`: {
        const { metadata } = JSON.parse(body) as { metadata?: { annotations?: Record<string, string> } };
        annotations = { ...annotations, ...metadata?.annotations };
        return workload();
      }
      case `GET ${one}/scale`:
        return scale();
      case `PUT ${one}/scale`:
      case `PATCH ${one}/scale`: {
        replicas = (JSON.parse(body) as { spec: { replicas?: number } }).spec.replicas ?? 0;
        reconcile();
        return scale();
      }
      case `GET /api/v1/namespaces/${KIND.namespace}/pods`:
        return pods();
      default:
        return null;
    }
  }

  const server = await serveApi(stand, answer, 'statefulsets "node"');

  function halt(): void {
    replicas = 0;
    if (runs() && pod?.pid !== undefined) process.kill(-pod.pid, "SIGKILL");
    server.close();
  }
  return Object.assign(stand, { url: server.url });
}

const APPS = { groupVersion: "apps/v1", version: "v1" };
