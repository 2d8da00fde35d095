import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** A place of the loopback that stands for a host name which only the emulator knows. */
export async function relayTo(
  endpoint: string,
  host: string,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const { hostname, port } = new URL(endpoint);
  const server = createServer((incoming, answer) => {
    const { method, url, headers } = incoming;
    const on = request({ hostname, port, method, path: url, headers: { ...headers, host } }, (found) => {
      answer.writeHead(found.statusCode ?? 500, found.headers);
      found.pipe(answer);
    });
    on.on("error", () => answer.destroy());
    incoming.pipe(on);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
