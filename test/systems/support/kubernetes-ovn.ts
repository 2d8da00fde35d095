import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import type { Raft, RaftHost } from "./ovn-raft.ts";

const run = promisify(execFile);

/**
 * As much of Kubernetes' API as the real kubectl needs to look at Kube-OVN's deployment ovn-central, to scale it, to wait
 * for its rollout, to delete one of its pods and to run commands in the pods of the DaemonSet ovs-ovn. Its hosts are those
 * of a raft of real ovsdb-servers; what a pod sees as /etc/ovn is a folder of the host. No cluster can be had where these
 * tests run.
 */
export interface OvnStandIn {
  readonly url: string;
  /** Requests as "PATCH /apis/apps/v1/…". */
  readonly requests: string[];
  /** With it all requests are refused, as for an account without rights. */
  forbidden: boolean;
  halt(): void;
}

const NAMESPACE = "kube-system";
const DEPLOYMENT = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

interface Pod {
  readonly name: string;
  readonly host: RaftHost;
}

export async function startKubeOvn({ hosts }: Raft): Promise<OvnStandIn> {
  let replicas = hosts.length;
  let generation = 1;
  /** The deployment's pods that are there; their servers are started after, and ended before, they are listed. */
  let central: Pod[] = hosts.map((host, number) => ({ name: `ovn-central-${number}`, host }));
  let ready = central.length;
  const agents: Pod[] = hosts.map((host, number) => ({ name: `ovs-ovn-${number}`, host }));
  const watchers = new Set<() => void>();
  let work = Promise.resolve();

  /** What controllers and kubelets do, one thing after another. */
  function reconcile(): void {
    work = work.then(async () => {
      if (replicas === 0) {
        ready = 0;
        for (const { host } of central) await run("sh", ["-c", host.stop]);
        central = [];
      } else if (central.length < replicas) {
        central = hosts.map((host, number) => ({ name: `ovn-central-${generation}-${number}`, host }));
        // A container that ends is begun again: a member may have to wait for the first.
        for (const { host } of central) await run("sh", ["-c", host.start]);
        ready = central.length;
      }
      for (const tell of watchers) tell();
    });
  }

  function replace(pod: Pod): void {
    work = work.then(async () => {
      await run("sh", ["-c", pod.host.stop]);
      ready -= 1;
      central = central.map((each) => (each === pod ? { name: `${pod.name}-anew`, host: pod.host } : each));
      await run("sh", ["-c", pod.host.start]);
      ready += 1;
      for (const tell of watchers) tell();
    });
  }

  const deployment = () => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "ovn-central", namespace: NAMESPACE, resourceVersion: "1", generation },
    spec: {
      replicas,
      selector: { matchLabels: { app: "ovn-central" } },
      template: {
        spec: {
          containers: [
            { name: "ovn-central", env: [{ name: "NODE_IPS", value: hosts.map(({ name }) => name).join(",") }] },
          ],
        },
      },
    },
    status: {
      observedGeneration: generation,
      replicas: central.length,
      updatedReplicas: central.length,
      readyReplicas: ready,
      availableReplicas: ready,
    },
  });
  const scale = () => ({
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    metadata: { name: "ovn-central", namespace: NAMESPACE, resourceVersion: "1" },
    spec: { replicas },
    status: { replicas: central.length },
  });
  const podObject = ({ name, host }: Pod) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: NAMESPACE, uid: name },
    spec: { containers: [{ name: "openvswitch" }] },
    status: { phase: "Running", hostIP: host.name },
  });
  const podNamed = (name: string) => [...central, ...agents].find((pod) => pod.name === name);

  async function answer(request: IncomingMessage, url: URL): Promise<unknown> {
    const body = await text(request);
    const key = `${request.method} ${url.pathname}`;
    const named = /^\/api\/v1\/namespaces\/kube-system\/pods\/([^/]+)$/.exec(url.pathname)?.[1];
    if (named !== undefined) {
      const pod = podNamed(named);
      if (pod === undefined) return null;
      if (request.method === "DELETE") replace(pod);
      return podObject(pod);
    }
    switch (key) {
      case "GET /api":
        return { kind: "APIVersions", versions: ["v1"] };
      case "GET /apis":
        return {
          kind: "APIGroupList",
          apiVersion: "v1",
          groups: [{ name: "apps", versions: [APPS], preferredVersion: APPS }],
        };
      case "GET /api/v1":
        return list("v1", [["pods", "Pod", ["get", "list", "delete"]]]);
      case "GET /apis/apps/v1":
        return list("apps/v1", [
          ["deployments", "Deployment", ["get", "list", "patch", "watch"]],
          ["deployments/scale", "Scale", ["get", "patch", "update"]],
        ]);
      case `GET ${DEPLOYMENT}`:
        return {
          kind: "DeploymentList",
          apiVersion: "apps/v1",
          metadata: { resourceVersion: "1" },
          items: [deployment()],
        };
      case `GET ${DEPLOYMENT}/ovn-central`:
        return deployment();
      case `GET ${DEPLOYMENT}/ovn-central/scale`:
        return scale();
      case `PUT ${DEPLOYMENT}/ovn-central/scale`:
      case `PATCH ${DEPLOYMENT}/ovn-central/scale`:
        replicas = (JSON.parse(body) as { spec: { replicas?: number } }).spec.replicas ?? 0;
        generation += 1;
        reconcile();
        return scale();
      case `GET ${PODS}`: {
        const items = url.searchParams.get("labelSelector") === "app=ovs" ? agents : central;
        return { kind: "PodList", apiVersion: "v1", metadata: { resourceVersion: "1" }, items: items.map(podObject) };
      }
      default:
        return null;
    }
  }

  const stand: OvnStandIn = {
    url: "",
    requests: [],
    forbidden: false,
    halt: () => {
      server.closeAllConnections();
      server.close();
    },
  };

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://x");
    stand.requests.push(`${request.method} ${url.pathname}`);
    const isRefused = stand.forbidden && url.pathname.includes("/namespaces/");
    if (!isRefused && url.searchParams.get("watch") === "true") {
      response.writeHead(200, { "content-type": "application/json" });
      const tell = () => void response.write(`${JSON.stringify({ type: "MODIFIED", object: deployment() })}\n`);
      watchers.add(tell);
      request.once("close", () => watchers.delete(tell));
      tell();
      return;
    }
    const found = isRefused ? null : await answer(request, url);
    const status = isRefused ? 403 : found === null ? 404 : 200;
    const reason = status === 403 ? "Forbidden" : "NotFound";
    const refusal = { kind: "Status", apiVersion: "v1", status: "Failure", reason, code: status, message: reason };
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(status === 200 ? found : refusal));
  }

  const server = createServer((request, response) => void respond(request, response));
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const url = new URL(request.url ?? "/", "http://x");
    stand.requests.push(`EXEC ${url.pathname}`);
    const pod = podNamed(/\/pods\/([^/]+)\/exec$/.exec(url.pathname)?.[1] ?? "");
    if (pod === undefined || stand.forbidden)
      return void socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    const words = url.searchParams.getAll("command").map((word) => inPod(word, pod.host));
    execute(request, socket, head, words);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(stand, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** A container's folders, as this host has them. */
function inPod(word: string, { data, run: sockets, log }: RaftHost): string {
  return word
    .replaceAll("/var/log/ovn/ovn-northd.log", log)
    .replaceAll("/var/run/ovn", sockets)
    .replaceAll("/etc/ovn", data);
}

/** `kubectl exec` by WebSocket, v5.channel.k8s.io: a message's first byte is its channel, 255 closes one (KEP-4006). */
function execute(request: IncomingMessage, socket: Duplex, head: Buffer, words: readonly string[]): void {
  const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${GUID}`).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n`,
  );
  const child = spawn(words[0] ?? "", words.slice(1), { stdio: "pipe" });
  const send = (channel: number, bytes: Buffer) =>
    socket.write(frame(2, Buffer.concat([Buffer.from([channel]), bytes])));
  child.stdout.on("data", (bytes: Buffer) => send(1, bytes));
  child.stderr.on("data", (bytes: Buffer) => send(2, bytes));
  child.once("close", (code) => {
    const causes = [{ reason: "ExitCode", message: String(code ?? 1) }];
    const failure = { status: "Failure", reason: "NonZeroExitCode", message: `exit code ${code}`, details: { causes } };
    send(3, Buffer.from(JSON.stringify({ metadata: {}, ...(code === 0 ? { status: "Success" } : failure) })));
    socket.end(frame(8, Buffer.from([0x03, 0xe8])));
  });
  child.stdin.on("error", () => {});
  socket.on("error", () => child.kill());
  let pending = head;
  const take = (bytes: Buffer) => {
    pending = Buffer.concat([pending, bytes]);
    for (let found = unframe(pending); found !== null; found = unframe(pending)) {
      pending = found.rest;
      if (found.opcode === 9) socket.write(frame(10, found.payload));
      if (found.opcode !== 2) continue;
      if (found.payload[0] === 0) child.stdin.write(found.payload.subarray(1));
      if (found.payload[0] === 255) child.stdin.end();
    }
  };
  socket.on("data", take);
  take(Buffer.alloc(0));
}

/** RFC 6455, 5.2: one whole message, unmasked, as a server sends it. */
function frame(opcode: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(payload.length < 126 ? 2 : payload.length < 65_536 ? 4 : 10);
  head.writeUInt8(0x80 | opcode, 0);
  if (head.length === 2) head.writeUInt8(payload.length, 1);
  else if (head.length === 4) head.writeUInt16BE(payload.length, head.writeUInt8(126, 1));
  else head.writeBigUInt64BE(BigInt(payload.length), head.writeUInt8(127, 1));
  return Buffer.concat([head, payload]);
}

/** The same of what a client sends, masked; null where more has to come. */
function unframe(bytes: Buffer): { readonly opcode: number; readonly payload: Buffer; readonly rest: Buffer } | null {
  if (bytes.length < 2) return null;
  const short = bytes.readUInt8(1) & 0x7f;
  const at = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < at + 4) return null;
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < at + 4 + length) return null;
  const mask = bytes.subarray(at, at + 4);
  const payload = Buffer.from(bytes.subarray(at + 4, at + 4 + length)).map((byte, i) => byte ^ (mask[i & 3] ?? 0));
  return { opcode: bytes.readUInt8(0) & 0x0f, payload: Buffer.from(payload), rest: bytes.subarray(at + 4 + length) };
}

const APPS = { groupVersion: "apps/v1", version: "v1" };

function list(groupVersion: string, kinds: readonly (readonly [string, string, readonly string[]])[]) {
  const resources = kinds.map(([name, kind, verbs]) => ({
    ...{ name, singularName: "", namespaced: true, kind, verbs },
    ...(kind === "Scale" ? { group: "autoscaling", version: "v1" } : {}),
  }));
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources };
}
