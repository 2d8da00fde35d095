import { writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";

/** What every stand-in for Kubernetes' API shows to its test. */
export interface ApiStandIn {
  /** Requests as "GET /apis/apps/v1/…". */
  readonly requests: string[];
  /** With it all requests for objects are refused, as for an account without rights. */
  forbidden: boolean;
}

/** An answer with a status of its own. */
export class Refusal {
  constructor(status: number, reason: string) {
    this.status = status;
    this.reason = reason;
  }
  readonly status: number;
  readonly reason: string;
}

/** Answers kubectl by `answer`: an object, null where there is none, or a Refusal. `about` is what refusals name. */
export async function serveApi(
  stand: ApiStandIn,
  answer: (call: string, body: string) => unknown,
  about: string,
): Promise<{ readonly url: string; close(): void }> {
  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = `${request.method} ${new URL(request.url ?? "/", "http://x").pathname}`;
    stand.requests.push(call);
    const body = await text(request);
    const found = stand.forbidden && call.includes("/namespaces/") ? new Refusal(403, "Forbidden") : told(call, body);
    const refusal = found instanceof Refusal ? found : found === null ? new Refusal(404, "NotFound") : null;
    response.writeHead(refusal?.status ?? 200, { "content-type": "application/json" });
    response.end(JSON.stringify(refusal === null ? found : statusOf(refusal, about)));
  }
  /** What goes wrong in a stand-in is told to kubectl, which would wait for its answer. */
  function told(call: string, body: string): unknown {
    try {
      return answer(call, body);
    } catch (error) {
      return new Refusal(500, String(error));
    }
  }
  const server = createServer((request, response) => void respond(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

export function resources(groupVersion: string, list: readonly object[]) {
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources: list };
}

function statusOf({ status, reason }: Refusal, about: string) {
  return { kind: "Status", apiVersion: "v1", status: "Failure", reason, code: status, message: `${reason}: ${about}` };
}

/** Writes a kubeconfig whose context `x` leads there; its path. */
export function kubeconfigFor(home: string, server: string): string {
  const path = join(home, "kubeconfig");
  const clusters = [{ name: "c", cluster: { server } }];
  const contexts = [{ name: "x", context: { cluster: "c", user: "" } }];
  writeFileSync(path, JSON.stringify({ apiVersion: "v1", kind: "Config", clusters, contexts }));
  return path;
}
