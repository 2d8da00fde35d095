import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeManager } from "../../agent/node/index.ts";
import { type ManagedService, serviceManagerConforms } from "../conformance/service-manager.ts";
import { type Flavour, heldHome, serviceScript } from "../support/held-service.ts";
import { type KubernetesStandIn, startKubernetes } from "./support/kubernetes-stand-in.ts";

const LIMIT = { timeoutMs: 60_000 };

const noKubectl = spawnSync("which", ["kubectl"]).status === 0 ? null : "kubectl is missing";

describe.skipIf(noKubectl !== null)(
  `Kubernetes: the real kubectl on a stand-in for the API${noKubectl === null ? "" : ` (skipped: ${noKubectl})`}`,
  () => {
    async function workload(flavour: Flavour): Promise<ManagedService & { readonly api: KubernetesStandIn }> {
      const held = heldHome();
      const api = await startKubernetes(flavour === "broken" ? null : ["sh", "-c", serviceScript(held.data, flavour)]);
      onTestFinished(() => api.halt());
      const kubeconfig = join(held.home, "kubeconfig");
      const clusters = [{ name: "c", cluster: { server: api.url } }];
      const contexts = [{ name: "x", context: { cluster: "c", user: "" } }];
      writeFileSync(kubeconfig, JSON.stringify({ apiVersion: "v1", kind: "Config", clusters, contexts }));
      const settings = { manager: "kubernetes", workload: "statefulset", name: "node", namespace: "chain" } as const;
      return { ...held, api, manager: makeManager({ ...settings, context: "x", kubeconfig }) };
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
  },
);
