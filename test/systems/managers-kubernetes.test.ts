import { spawnSync } from "node:child_process";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeManager, startAndWait } from "../../agent/node/index.ts";
import { silent } from "../../vault/names/index.ts";
import { type ManagedService, managedBy, serviceManagerConforms } from "../conformance/service-manager.ts";
import { controlOf } from "../support/freezing.ts";
import { type Flavour, heldHome, serviceScript } from "../support/held-service.ts";
import { kubeconfigFor } from "./support/kubernetes-api.ts";
import { type KubernetesStandIn, startKubernetes } from "./support/kubernetes-stand-in.ts";

const LIMIT = { timeoutMs: 60_000 };

const noKubectl = spawnSync("which", ["kubectl"]).status === 0 ? null : "kubectl is missing";

describe.skipIf(noKubectl !== null)(
  `Kubernetes: the real kubectl on a stand-in for the API${noKubectl === null ? "" : ` (skipped: ${noKubectl})`}`,
  () => {
    async function workload(
      flavour: Flavour,
      wrong: { readonly context?: string; readonly name?: string } = {},
    ): Promise<ManagedService & { readonly api: KubernetesStandIn }> {
      const held = heldHome();
      const api = await startKubernetes(flavour === "broken" ? null : ["sh", "-c", serviceScript(held.data, flavour)]);
      onTestFinished(() => api.halt());
      const kubeconfig = kubeconfigFor(held.home, api.url);
      const settings = { manager: "kubernetes", workload: "statefulset", name: "node", namespace: "chain" } as const;
      return { ...held, api, ...managedBy({ ...settings, context: "x", kubeconfig, ...wrong }) };
    }

    serviceManagerConforms("kubernetes (stand-in)", workload);

    it("kubernetes (stand-in): as many replicas come back as there were, though whoever stopped them is gone", async () => {
      const { manager, until, api } = await workload("well");
      await manager.start(LIMIT);
      await until(true);
      await manager.stop(LIMIT);
      await until(false);
      expect(api.requests.filter((line) => line.startsWith("PATCH")).length).toBeGreaterThan(1);
      await manager.start(LIMIT);
      await until(true);
    });

    it("kubernetes (stand-in): an account without rights is told as that", async () => {
      const { manager, api } = await workload("well");
      api.forbidden = true;
      await expect(manager.isRunning(LIMIT)).rejects.toMatchObject({ kind: "permission" });
      await expect(manager.stop(LIMIT)).rejects.toMatchObject({ kind: "permission" });
    });

    it.each([
      ["another context than the kubeconfig has", { context: "elsewhere" }, /context .*elsewhere.* does not exist/],
      ["a workload that is not there", { name: "nobody" }, /NotFound/],
    ])("kubernetes (stand-in): %s is told with kubectl's words, and nothing was scaled", async (_, wrong, words) => {
      const { manager, api } = await workload("well", wrong);
      for (const call of [manager.isRunning, manager.stop, manager.start]) {
        await expect(call(LIMIT)).rejects.toMatchObject({ kind: "refused", why: expect.stringMatching(words) });
      }
      expect(api.requests.filter((line) => !line.startsWith("GET"))).toEqual([]);
    });

    it("kubernetes (stand-in): a rollout that never ends is told within its limit as a node that did not come back", async () => {
      const { manager } = await workload("broken");
      const control = controlOf(manager, { limits: { stopMs: 1000, startMs: 4000, onStopTimeout: "fail" } });
      await expect(startAndWait(control, silent, new AbortController().signal)).rejects.toMatchObject({
        kind: "node-start",
        what: "the node did not come back",
        todo: expect.stringContaining("it may be DOWN"),
      });
    });
  },
);

it("kubernetes: without kubectl its manager says what to install", async () => {
  const before = process.env.PATH;
  onTestFinished(() => {
    process.env.PATH = before;
  });
  process.env.PATH = "/nowhere";
  const manager = makeManager({ manager: "kubernetes", workload: "deployment", name: "node", namespace: "chain" });
  await expect(manager.isRunning(LIMIT)).rejects.toMatchObject({ kind: "config", what: "kubectl is not installed" });
});
