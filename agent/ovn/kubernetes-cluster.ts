import { ColdkeepError } from "../../vault/names/index.ts";
import { makeTool, type Tool } from "../node/index.ts";
import type { ClusterLimits } from "./local-cluster.ts";
import { until } from "./pause.ts";
import { makeShell } from "./shell.ts";
import type { Cluster, Member } from "./types.ts";

export interface KubernetesOvn {
  readonly namespace: string;
  /** The Deployment of the databases and ovn-northd: `ovn-central`. */
  readonly deployment: string;
  /** Selects the pods, one a host, that see its databases while that Deployment is at 0: `app=ovs`. */
  readonly agents: string;
  readonly context?: string;
  /** Absolute. */
  readonly kubeconfig?: string;
  /** As those pods see them. */
  readonly data: string;
  readonly run: string;
  readonly log: string;
}

/** How long one question to the API may take. */
const ASK_MS = 60_000;

/**
 * Kube-OVN's databases: a Deployment with one pod a host of NODE_IPS. Files are reached through the pods of the OVS
 * DaemonSet on the same hosts, which mount the same folders and stay while the Deployment is at 0.
 * @throws ColdkeepError `not-found`, `permission`, `config`, else `refused`.
 */
export async function kubernetesCluster(
  config: KubernetesOvn,
  limits: ClusterLimits,
  signal: AbortSignal,
): Promise<Cluster> {
  const { namespace, deployment, agents, context, kubeconfig, data, run, log } = config;
  const program = [
    "kubectl",
    ...(kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`]),
    ...(context === undefined ? [] : [`--context=${context}`]),
    `--namespace=${namespace}`,
  ];
  const kubectl = makeTool(program);
  const object = `deployment/${deployment}`;
  const ips = nodeIpsOf(await look(kubectl, object, signal), object);
  const pods = podsOf(await list(kubectl, agents, signal));
  const members = ips.map((ip): Member => {
    const pod = pods.find(({ host }) => host === ip);
    if (pod === undefined) {
      throw new ColdkeepError("not-found", {
        what: "no pod that runs sees the databases of a host",
        on: ip,
        why: `it is in NODE_IPS of ${object}, and none of the pods with ${agents} is there`,
        todo: "see `kubectl get pods -o wide`, and bring that host's pod back first",
      });
    }
    const exec = (interactive: boolean) => [
      ...program,
      ...["exec", ...(interactive ? ["-i"] : []), pod.name, "--", "sh", "-c"],
    ];
    return { name: ip, data, run, log, sh: makeShell(exec) };
  });

  const serving = async (options: { signal: AbortSignal }) =>
    podsOf(await list(kubectl, selectorOf(await look(kubectl, object, options.signal), object), options.signal));

  const stillThere = (on: string) =>
    new ColdkeepError("node-stop", {
      what: "pods of the databases are still there",
      on,
      why: `they were to end ${limits.stopMs / 1000} s ago`,
      todo: "see `kubectl get pods -o wide`; run this again once they are gone: it goes on where it was",
    });

  async function rollout(signal: AbortSignal): Promise<void> {
    const words = ["rollout", "status", object, `--timeout=${Math.ceil(limits.startMs / 1000)}s`];
    const options = { signal, timeoutMs: limits.startMs + ASK_MS };
    await kubectl.must(words, options, "node-start", "the databases' pods did not become ready");
  }

  return {
    label: `${object} in namespace ${namespace}`,
    members,
    async replicas(signal) {
      return (await look(kubectl, object, signal)).spec?.replicas ?? 1;
    },
    async stopAll(signal) {
      const options = { signal, timeoutMs: ASK_MS };
      await kubectl.must(["scale", object, "--replicas=0"], options, "node-stop", "it could not be scaled to 0");
      const gone = async () => (await serving({ signal })).length === 0;
      if (await until(gone, { clock: limits.clock, limitMs: limits.stopMs, signal })) return;
      throw stillThere(object);
    },
    async startAll(replicas, signal) {
      const words = ["scale", object, `--replicas=${replicas}`];
      await kubectl.must(words, { signal, timeoutMs: ASK_MS }, "node-start", "it could not be scaled back");
      await rollout(signal);
    },
    async restart({ name }, signal) {
      const mine = (await serving({ signal })).filter(({ host }) => host === name);
      const words = ["delete", "pod", ...mine.map((pod) => pod.name), "--wait=false"];
      const options = { signal, timeoutMs: ASK_MS };
      if (mine.length > 0) await kubectl.must(words, options, "node-stop", "its pod could not be deleted");
      const gone = async () => {
        const names = new Set((await serving({ signal })).map((pod) => pod.name));
        return mine.every((pod) => !names.has(pod.name));
      };
      if (!(await until(gone, { clock: limits.clock, limitMs: limits.stopMs, signal }))) throw stillThere(name);
      await rollout(signal);
    },
    words: {
      stop: `kubectl scale ${object} --replicas=0`,
      start: `kubectl scale ${object} back, kubectl rollout status ${object}`,
      restart: ({ name }) => `kubectl delete the pod of ${object} on ${name}, kubectl rollout status ${object}`,
    },
  };
}

interface Deployment {
  readonly spec?: {
    readonly replicas?: number;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly template?: {
      readonly spec?: {
        readonly containers?: readonly {
          readonly env?: readonly { readonly name: string; readonly value?: string }[];
        }[];
      };
    };
  };
}

async function look(kubectl: Tool, object: string, signal: AbortSignal): Promise<Deployment> {
  const what = "kubectl cannot tell how the databases stand";
  const text = await kubectl.must(["get", object, "--output=json"], { signal, timeoutMs: ASK_MS }, "refused", what);
  return JSON.parse(text) as Deployment;
}

async function list(kubectl: Tool, selector: string, signal: AbortSignal): Promise<string> {
  const words = ["get", "pods", `--selector=${selector}`, "--output=json"];
  return kubectl.must(words, { signal, timeoutMs: ASK_MS }, "refused", "kubectl cannot tell which pods there are");
}

function selectorOf(value: Deployment, object: string): string {
  const labels = Object.entries(value.spec?.selector?.matchLabels ?? {});
  if (labels.length > 0) return labels.map(([key, label]) => `${key}=${label}`).join(",");
  throw new ColdkeepError("refused", { what: "the deployment selects its pods by no labels", on: object });
}

function nodeIpsOf(value: Deployment, object: string): string[] {
  const all = (value.spec?.template?.spec?.containers ?? []).flatMap(({ env }) => env ?? []);
  const ips = (all.find(({ name }) => name === "NODE_IPS")?.value ?? "").split(",").map((ip) => ip.trim());
  const known = ips.filter((ip) => ip !== "");
  if (known.length > 0) return known;
  throw new ColdkeepError("refused", {
    what: "the deployment does not say which hosts have the databases",
    on: object,
    why: "none of its containers has NODE_IPS in its environment, as Kube-OVN's have",
    todo: "name the hosts by ovn: members in the configuration instead",
  });
}

function podsOf(text: string): { readonly name: string; readonly host: string }[] {
  const { items = [] } = JSON.parse(text) as {
    readonly items?: readonly {
      readonly metadata: { readonly name: string };
      readonly status?: { readonly hostIP?: string };
    }[];
  };
  return items.map(({ metadata, status }) => ({ name: metadata.name, host: status?.hostIP ?? "" }));
}
