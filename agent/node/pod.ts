import { ColdkeepError } from "../../vault/names/index.ts";

/** A pod as its API server tells it. */
export interface Pod {
  /** Its deletion was asked for; its containers may still run. */
  readonly ending: boolean;
  /** All its containers have ended for good. */
  readonly finished: boolean;
  readonly ready: boolean;
  /** What would make another at once, where it were deleted. */
  readonly keeper: PodKeeper | null;
  /** What makes the same pod once more. */
  readonly manifest: object;
}

interface PodKeeper {
  readonly kind: string;
  readonly name: string;
}

interface Told {
  readonly metadata?: Readonly<Record<string, unknown>> & {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly (PodKeeper & { readonly controller?: boolean })[];
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** Of its metadata, what whoever made it may have written; the rest is the API server's. */
const WRITTEN = ["name", "namespace", "labels", "annotations", "finalizers", "ownerReferences"];
/** Reckoned anew from the priority class, and refused where that says otherwise by now; never part of a new pod. */
const RECKONED = ["priority", "preemptionPolicy", "ephemeralContainers"];
/** On what the kubelet shows of a pod that it runs from a file (Kubernetes' "Static Pods"). */
const MIRROR = "kubernetes.io/config.mirror";

/**
 * Reads what `kubectl get --output=json` printed. The manifest keeps `nodeName`: the files that are backed up lie on that
 * node, and the pod has to come back to them.
 */
export function podOf(text: string): Pod {
  const { metadata = {}, spec = {}, status = {} } = JSON.parse(text) as Told;
  const { phase, conditions = [] } = status;
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  const mirrored = metadata.annotations?.[MIRROR] !== undefined;
  const keeper = mirrored ? { kind: "Node", name: String(spec.nodeName ?? "?") } : (owner ?? null);
  const some = (object: Readonly<Record<string, unknown>>, kept: (key: string) => boolean) =>
    Object.fromEntries(Object.entries(object).filter(([key]) => kept(key)));
  return {
    ending: metadata.deletionTimestamp !== undefined,
    finished: phase === "Succeeded" || phase === "Failed",
    ready: conditions.some(({ type, status: is }) => type === "Ready" && is === "True"),
    keeper,
    manifest: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: some(metadata, (key) => WRITTEN.includes(key)),
      spec: some(spec, (key) => !RECKONED.includes(key)),
    },
  };
}

/** @throws ColdkeepError `refused` where something else decides whether the pod is there, with what to do instead. */
export function assertOnItsOwn({ keeper }: Pod, on: string): void {
  if (keeper === null) return;
  const { kind, name } = keeper;
  throw new ColdkeepError("refused", {
    what: `the pod is not deleted: its ${kind === "Node" ? "kubelet" : kind} would start another at once`,
    on,
    why: kind === "Node" ? `the kubelet of ${name} runs it from a file there` : `it belongs to ${kind} ${name}`,
    todo: INSTEAD[kind]?.(name) ?? `stop it by what belongs to ${kind} ${name}, with manager: command`,
  });
}

const INSTEAD: Readonly<Record<string, (name: string) => string>> = {
  ReplicaSet: (name) => `write workload: deployment, with the name of the Deployment that has ReplicaSet ${name}`,
  StatefulSet: (name) => `write workload: statefulset, name: ${name}`,
  DaemonSet: (name) =>
    `no DaemonSet can be scaled: with manager: command, take the label from this host's node by which ${name} selects it, and give it back`,
  Node: () =>
    "with manager: command, move its file out of the kubelet's folder of static pods (staticPodPath), and back",
};
