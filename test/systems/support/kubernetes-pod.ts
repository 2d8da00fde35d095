import { type ChildProcess, spawn } from "node:child_process";
import { type ApiStandIn, Refusal, resources, serveApi } from "./kubernetes-api.ts";

/**
 * As much of Kubernetes' API as the real kubectl needs to look at one pod, to delete it and to make it: a process of this host
 * while the pod is there. No cluster can be had where these tests run.
 */
export interface PodStandIn extends ApiStandIn {
  readonly url: string;
  /** What was posted last, as it came. */
  readonly made: readonly Manifest[];
  /** Grace periods that deletions asked for, in seconds. */
  readonly graces: readonly number[];
  /** Whether the account may create pods. */
  mayCreate: boolean;
  /** What else the API server says of the pod; by a controller, say. */
  metadata: Record<string, unknown>;
  /** Its process ends by itself, and the pod is Failed. */
  fail(): Promise<void>;
  halt(): void;
}

export interface Manifest {
  readonly metadata: Record<string, unknown>;
  readonly spec: Record<string, unknown>;
}

const REVIEW = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview" };
const POD = { namespace: "chain", name: "node" };

/** `words` are run for the pod; null: its image cannot be pulled, and it never gets ready. */
export async function startPods(words: readonly string[] | null): Promise<PodStandIn> {
  interface Living extends Manifest {
    readonly uid: string;
    readonly process: ChildProcess | null;
    ending: boolean;
  }
  let pod: Living | null = null;
  let count = 0;
  const made: Manifest[] = [];
  const graces: number[] = [];
  const alive = (process: ChildProcess | null) =>
    process !== null && process.exitCode === null && process.signalCode === null;

  /** What the API server makes of a pod that is asked for, and the kubelet then: its process. */
  function create(manifest: Manifest): unknown {
    if (pod !== null) return new Refusal(409, "AlreadyExists");
    made.push(manifest);
    const process = words === null ? null : spawn(words[0] ?? "", words.slice(1), { stdio: "ignore", detached: true });
    count += 1;
    const mine: Living = { ...manifest, uid: `uid-${count}`, process, ending: false };
    pod = mine;
    // Gone once its process is; one that was not asked to end is Failed, and its pod stays.
    process?.once("exit", () => {
      if (pod === mine && mine.ending) pod = null;
    });
    return told();
  }

  function remove(body: string): unknown {
    if (pod === null) return null;
    const mine = pod;
    const { gracePeriodSeconds = 30 } = JSON.parse(body === "" ? "{}" : body) as { gracePeriodSeconds?: number };
    graces.push(gracePeriodSeconds);
    mine.ending = true;
    const status = told();
    const { process } = mine;
    if (process !== null && alive(process)) {
      process.kill("SIGTERM");
      // As the kubelet does when the grace is over.
      const timer = setTimeout(() => process.pid !== undefined && killGroup(process.pid), gracePeriodSeconds * 1000);
      process.once("exit", () => clearTimeout(timer));
    } else pod = null;
    return status;
  }

  function told(): unknown {
    if (pod === null) return null;
    const { metadata, spec, uid, process, ending } = pod;
    const running = alive(process);
    return {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        ...metadata,
        ...stand.metadata,
        ...{ uid, resourceVersion: String(count), creationTimestamp: "2026-01-01T00:00:00Z", managedFields: [{}] },
        ...(ending ? { deletionTimestamp: "2026-01-01T00:00:00Z", deletionGracePeriodSeconds: 30 } : {}),
      },
      spec: { nodeName: "host-1", priority: 0, preemptionPolicy: "PreemptLowerPriority", ...spec },
      status: {
        phase: running ? "Running" : process === null ? "Pending" : "Failed",
        conditions: [{ type: "Ready", status: running ? "True" : "False" }],
      },
    };
  }

  const stand: PodStandIn = {
    ...{ url: "", requests: [], forbidden: false, made, graces, mayCreate: true, metadata: {} },
    async fail() {
      const process = pod?.process;
      if (process?.pid === undefined) return;
      const ended = new Promise((resolve) => process.once("exit", resolve));
      killGroup(process.pid);
      await ended;
    },
    halt() {
      const process = pod?.process;
      pod = null;
      if (process?.pid !== undefined && alive(process)) killGroup(process.pid);
      server.close();
    },
  };

  function answer(call: string, body: string): unknown {
    const all = `/api/v1/namespaces/${POD.namespace}/pods`;
    switch (call) {
      case "GET /api":
        return { kind: "APIVersions", versions: ["v1"] };
      case "GET /apis":
        return { kind: "APIGroupList", apiVersion: "v1", groups: [] };
      case "GET /api/v1":
        return resources("v1", [
          { name: "pods", singularName: "pod", namespaced: true, kind: "Pod", verbs: ["get", "create", "delete"] },
        ]);
      // Asked as protobuf, which says that it is about creating pods.
      case "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews":
        return {
          ...REVIEW,
          status: { allowed: !(body.includes("create") && body.includes("pods")) || stand.mayCreate },
        };
      case `GET ${all}/${POD.name}`:
        return told();
      case `DELETE ${all}/${POD.name}`:
        return remove(body);
      case `POST ${all}`:
        return create(JSON.parse(body) as Manifest);
      default:
        return null;
    }
  }
  const server = await serveApi(stand, answer, 'pods "node"');
  return Object.assign(stand, { url: server.url });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
