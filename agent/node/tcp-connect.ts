import { connect } from "node:net";
import { messageOf } from "../../vault/names/index.ts";
import type { CallOptions, NodeProbe } from "./types.ts";

/** Whether a port (`host:port`, `[v6]:port`) takes a connection, which is closed at once. Never throws. */
export function tcpConnect(place: string, { signal, timeoutMs }: CallOptions): ReturnType<NodeProbe["health"]> {
  const at = place.lastIndexOf(":");
  const host = place.slice(0, at).replace(/^\[(.*)\]$/, "$1");
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(place.slice(at + 1)) });
    const end = (healthy: boolean, detail: string) => {
      socket.destroy();
      signal?.removeEventListener("abort", onAbort);
      resolve({ healthy, detail: `${place} ${detail}` });
    };
    const onAbort = () => end(false, "was not waited for");
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.setTimeout(timeoutMs, () => end(false, `did not answer within ${timeoutMs / 1000} s`));
    socket.once("connect", () => end(true, "takes connections"));
    socket.once("error", (error) => end(false, `takes no connection: ${messageOf(error)}`));
  });
}
