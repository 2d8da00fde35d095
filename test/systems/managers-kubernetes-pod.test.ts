import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { startAndWait, stopAndWait } from "../../agent/node/index.ts";
import { silent } from "../../vault/names/index.ts";
import { type ManagedService, managedBy, serviceManagerConforms } from "../conformance/service-manager.ts";
import { controlOf } from "../support/freezing.ts";
import { type Flavour, heldHome, serviceScript } from "../support/held-service.ts";
import { kubeconfigFor } from "./support/kubernetes-api.ts";
import { type PodStandIn, startPods } from "./support/kubernetes-pod.ts";

const LIMIT = { timeoutMs: 60_000 };
const never = new AbortController().signal;

const noKubectl = spawnSync("which", ["kubectl"]).status === 0 ? null : "kubectl is missing";

interface PodService extends ManagedService {
  readonly api: PodStandIn;
  /** Where what makes it anew is kept while it is not there. */
  readonly kept: string;
  /** The operator's own file. */
  readonly manifest: string;
}

/** As an operator writes it, with a secret in it. */
const WRITTEN = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "node", namespace: "chain", labels: { app: "node" }, annotations: { note: "ours" } },
  spec: { containers: [{ name: "node", image: "node:1", env: [{ name: "PASSWORD", value: "hunter2" }] }] },
};

async function podService(flavour: Flavour): Promise<PodService> {
  const held = heldHome();
  const api = await startPods(flavour === "broken" ? null : ["sh", "-c", serviceScript(held.data, flavour)]);
  onTestFinished(() => api.halt());
  const manifest = join(held.home, "pod.yaml");
  writeFileSync(manifest, JSON.stringify(WRITTEN));
  const kept = join(held.home, "kept.json");
  const settings = { manager: "kubernetes", workload: "pod", name: "node", namespace: "chain", context: "x" } as const;
  const place = { kubeconfig: kubeconfigFor(held.home, api.url), kept, manifest };
  return { ...held, api, kept, manifest, ...managedBy({ ...settings, ...place }) };
}

async function running(flavour: Flavour = "well"): Promise<PodService> {
  const service = await podService(flavour);
  await service.manager.start(LIMIT);
  await service.until(true);
  return service;
}

/** Who makes a pod again, and what the refusal says to do instead. */
const KEEPERS: readonly (readonly [string, string, RegExp])[] = [
  ["ReplicaSet", "node-5d4f", /workload: deployment, with the name of the Deployment that has ReplicaSet node-5d4f/],
  ["StatefulSet", "node", /workload: statefulset, name: node/],
  ["DaemonSet", "nodes", /take the label from this host's node by which nodes selects it/],
  ["Job", "once", /what belongs to Job once/],
  ["Node", "host-1", /kubelet's folder of static pods/],
];

const deletions = ({ api }: PodService) => api.requests.filter((line) => line.startsWith("DELETE"));

describe.skipIf(noKubectl !== null)(
  `A pod of Kubernetes by itself: the real kubectl on a stand-in for the API${noKubectl === null ? "" : ` (skipped: ${noKubectl})`}`,
  () => {
    serviceManagerConforms("kubernetes pod (stand-in)", podService);

    it("kubernetes pod (stand-in): it comes back as it was, with nothing that is the API server's, from a file that only its owner reads", async () => {
      const service = await running();
      const { manager, until, api, kept, manifest } = service;
      api.metadata = { labels: { app: "node", changed: "since" } };
      // What it was made from has long been changed.
      writeFileSync(manifest, JSON.stringify({ ...WRITTEN, spec: { containers: [] } }));
      expect(existsSync(kept)).toBe(false);
      await manager.stop({ timeoutMs: 17_400 });
      await until(false);
      expect(api.graces).toEqual([18]);
      expect(statSync(kept).mode & 0o777).toBe(0o600);
      expect(JSON.parse(readFileSync(kept, "utf8"))).toEqual({
        ...WRITTEN,
        metadata: { ...WRITTEN.metadata, labels: { app: "node", changed: "since" } },
        spec: { ...WRITTEN.spec, nodeName: "host-1" },
      });
      await manager.start(LIMIT);
      await until(true);
      expect(api.made[1]).toMatchObject({ metadata: { labels: { changed: "since" } }, spec: WRITTEN.spec });
      expect(existsSync(kept)).toBe(false);
    });

    it("kubernetes pod (stand-in): what cannot be kept is not deleted", async () => {
      const service = await podService("well");
      const kept = join(service.home, "nowhere", "kept.json");
      const manager = managedBy({ ...service.settings, kept } as ManagedService["settings"]).manager;
      await manager.start(LIMIT);
      await service.until(true);
      await expect(manager.stop(LIMIT)).rejects.toMatchObject({ what: "cannot write a file" });
      expect([deletions(service), service.lives()]).toEqual([[], true]);
    });

    it("kubernetes pod (stand-in): an account that may not make it again is told before, and nothing is deleted", async () => {
      const service = await running();
      service.api.mayCreate = false;
      for (const call of [service.manager.stop, service.manager.assertCanStart]) {
        await expect(call?.(LIMIT)).rejects.toMatchObject({ kind: "permission", why: /no right to create pods/ });
      }
      expect([deletions(service), service.lives(), existsSync(service.kept)]).toEqual([[], true, false]);
      service.api.mayCreate = true;
      await service.manager.assertCanStart?.(LIMIT);
    });

    it("kubernetes pod (stand-in): one that something else would make again is refused with what to do, and left alone", async () => {
      const service = await running();
      const { manager, api } = service;
      for (const [kind, name, todo] of KEEPERS) {
        const annotations = kind === "Node" ? { annotations: { "kubernetes.io/config.mirror": "x" } } : {};
        api.metadata = { ownerReferences: [{ kind, name, controller: true }], ...annotations };
        for (const call of [manager.stop, manager.assertCanStart]) {
          const why = expect.stringContaining(name);
          await expect(call?.(LIMIT)).rejects.toMatchObject({
            kind: "refused",
            why,
            todo: expect.stringMatching(todo),
          });
        }
      }
      await manager.start(LIMIT);
      expect([deletions(service), service.lives(), existsSync(service.kept)]).toEqual([[], true, false]);
    });

    it("kubernetes pod (stand-in): one that has failed is not running; a start makes it anew as it was", async () => {
      const service = await running();
      const { manager, api, until } = service;
      await api.fail();
      expect(await manager.isRunning(LIMIT)).toBe(false);
      await manager.stop(LIMIT);
      expect(deletions(service)).toEqual([]);
      await manager.start(LIMIT);
      await until(true);
      expect([deletions(service).length, api.made.length, await manager.isRunning(LIMIT)]).toEqual([1, 2, true]);
    });

    it("kubernetes pod (stand-in): where nothing tells how to make it, or what is kept is another's, that is said", async () => {
      const { settings, kept, manager } = await podService("well");
      const without = managedBy({ ...settings, manifest: undefined } as unknown as ManagedService["settings"]).manager;
      await expect(without.start(LIMIT)).rejects.toMatchObject({ kind: "node-start", todo: /service: manifest/ });
      writeFileSync(kept, JSON.stringify({ ...WRITTEN, metadata: { name: "other", namespace: "chain" } }));
      await expect(without.start(LIMIT)).rejects.toMatchObject({ kind: "node-start", todo: /service: manifest/ });
      await manager.start(LIMIT);
    });

    it("kubernetes pod (stand-in): one that its operator made again while it was down is left as it is", async () => {
      const { manager, api, until, kept } = await running();
      const control = controlOf(manager, { limits: { stopMs: 30_000, startMs: 30_000, onStopTimeout: "fail" } });
      await stopAndWait(control, silent, never);
      const made = await fetch(`${api.url}/api/v1/namespaces/chain/pods`, {
        method: "POST",
        body: JSON.stringify(WRITTEN),
      });
      expect(made.status).toBe(200);
      await until(true);
      await startAndWait(control, silent, never);
      expect([api.made.length, existsSync(kept)]).toEqual([2, false]);
    });
  },
);
