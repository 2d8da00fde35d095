import { existsSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../posix/clock.ts";
import { fsyncFolder, readBounded, writeFileDurable } from "../../posix/durable.ts";
import { ColdkeepError, systemCode } from "../../vault/names/index.ts";
import { type KubernetesPlace, makeKubectl } from "./kubectl.ts";
import { assertOnItsOwn, type Pod, podOf } from "./pod.ts";
import type { CallOptions, ServiceManager } from "./types.ts";

/** A pod that no controller looks after. */
export interface PodConfig extends KubernetesPlace {
  readonly workload: "pod";
  /** Absolute: what makes the pod anew, from before its deletion until it is there again. */
  readonly kept: string;
  /** Absolute: a file of the operator's to make it from where nothing is kept. */
  readonly manifest?: string;
}

/** Between two looks at a pod that is on its way out, in milliseconds. */
const PAUSE = 200;
/** API servers take no larger object. */
const MAX_MANIFEST = 4 << 20;

/**
 * Deleted, and made anew from what it was. That is written down durably before the deletion is asked for, readable by its
 * owner alone as there may be secrets in it, and stays until the pod is there again: whoever comes after a crash finds it.
 * A deletion cannot be taken back, so the kubelet's grace is what is left of the limit for stopping.
 */
export function podManager(config: PodConfig): ServiceManager {
  const { name, namespace, kept, manifest } = config;
  const kubectl = makeKubectl(config);
  const object = `pod/${name}`;
  const on = `${object} in namespace ${namespace}`;

  async function look(options: CallOptions): Promise<Pod | null> {
    // Not --ignore-not-found: with it kubectl asks for the namespace too, which an account need not be allowed to see.
    const words = ["get", object, "--output=json"];
    const asked = await kubectl.try(words, options);
    if (asked.status === 0) return podOf(asked.stdout);
    if (/\(NotFound\): .*\bpods\b/.test(asked.tail)) return null;
    throw kubectl.failure(words, asked, "refused", "kubectl cannot tell how the pod stands");
  }

  async function assertMayCreate(options: CallOptions): Promise<void> {
    const words = ["auth", "can-i", "create", "pods"];
    const asked = await kubectl.try(words, options);
    if (asked.status === 0) return;
    if (!asked.stdout.startsWith("no")) {
      throw kubectl.failure(words, asked, "refused", "kubectl cannot tell whether this account may create pods");
    }
    throw new ColdkeepError("permission", {
      what: "the pod is not deleted, as it could not be made again",
      on,
      why: "this account has no right to create pods there",
      todo: "give it get, create and delete on pods",
    });
  }

  async function takeDown(pod: Pod, options: CallOptions): Promise<void> {
    assertOnItsOwn(pod, on);
    if (!pod.ending) await assertMayCreate(options);
    writeFileDurable(kept, Buffer.from(JSON.stringify(pod.manifest)));
    if (pod.ending) return;
    const grace = Math.max(1, Math.ceil(options.timeoutMs / 1000));
    const words = ["delete", object, "--wait=false", "--ignore-not-found", `--grace-period=${grace}`];
    await kubectl.must(words, options, "node-stop", "the pod could not be deleted");
  }

  /** The file to make it from. */
  function source(): string {
    const bytes = readBounded(kept, MAX_MANIFEST);
    if (bytes !== null && isOf(bytes, config)) return kept;
    if (manifest !== undefined && existsSync(manifest)) return manifest;
    throw new ColdkeepError("node-start", {
      what: "the pod is not there, and nothing tells how to make it",
      on,
      why: `coldkeep did not delete it${manifest === undefined ? "" : `, and there is no ${manifest}`}`,
      todo: "apply it by hand, or name its file under service: manifest",
    });
  }

  /** Gives it back, or finds that somebody else has. */
  async function create(options: CallOptions): Promise<void> {
    // The server validates it all the same; for its own look kubectl would fetch the whole schema while the node is down.
    const words = ["create", "--validate=false", `--filename=${source()}`];
    const made = await kubectl.try(words, options);
    if (made.status === 0) return;
    if (made.tail.includes("AlreadyExists") && (await look(options)) !== null) return;
    throw kubectl.failure(words, made, "node-start", "the pod could not be made anew");
  }

  return {
    kind: "kubernetes",
    label: on,
    controls: true,
    async stop(options) {
      const pod = await look(options);
      if (pod !== null && !pod.finished) await takeDown(pod, options);
    },
    async start(options) {
      const end = systemClock.monotonic() + options.timeoutMs;
      for (;;) {
        const call = { ...options, timeoutMs: Math.max(1, end - systemClock.monotonic()) };
        const pod = await look(call);
        if (pod === null) await create(call);
        else if (!pod.ending && !pod.finished) return forget(kept);
        // One that has ended for good never runs again, and makes room for one like it.
        else if (pod.keeper === null && !(pod.ending && existsSync(kept))) await takeDown(pod, call);
        if (systemClock.monotonic() >= end) throw stillEnding(on, options);
        if (pod !== null) await sleep(PAUSE, undefined, options.signal === undefined ? {} : { signal: options.signal });
      }
    },
    async isRunning(options) {
      const pod = await look(options);
      return pod !== null && !pod.finished && (pod.ending || pod.ready);
    },
    async assertCanStart(options) {
      const pod = await look(options);
      if (pod !== null) assertOnItsOwn(pod, on);
      await assertMayCreate(options);
    },
  };
}

/** Whether that is of this very pod: the configuration may name another by now. */
function isOf(bytes: Buffer, { name, namespace }: PodConfig): boolean {
  try {
    const { metadata } = JSON.parse(bytes.toString("utf8")) as { metadata?: { name?: unknown; namespace?: unknown } };
    return metadata?.name === name && metadata.namespace === namespace;
  } catch {
    return false;
  }
}

function forget(kept: string): void {
  try {
    unlinkSync(kept);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
    return;
  }
  fsyncFolder(dirname(kept));
}

function stillEnding(on: string, { timeoutMs }: CallOptions): ColdkeepError {
  return new ColdkeepError("node-start", {
    what: "the pod of before is still on its way out, so none can be made in its place",
    on,
    why: `for ${timeoutMs / 1000} s`,
    todo: `look at what holds it up (kubectl describe); \`coldkeep recover\` makes it anew`,
  });
}
