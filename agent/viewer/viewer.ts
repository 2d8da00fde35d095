import { createServer } from "node:http";
import { type AddressInfo, isIP } from "node:net";
import { ColdkeepError, messageOf, systemCode } from "../../vault/names/index.ts";
import { makeDoor } from "./door.ts";
import { makeOpenTrees } from "./open-trees.ts";
import { makeResponder } from "./respond.ts";
import type { Viewer, ViewerOptions } from "./types.ts";

const MAX_CONNECTIONS = 64;

/**
 * Shows what lies in snapshots to a browser on this machine, and to nobody who does not have the link. Only reads.
 * @throws ColdkeepError `refused` for an address that is not this machine's own; `config` where it cannot listen.
 */
export async function startViewer(o: ViewerOptions): Promise<Viewer> {
  assertOwn(o.host);
  const door = makeDoor();
  const trees = makeOpenTrees(o.library, o.idle, () => o.audit("keys forgotten", {}));
  const invite = () => o.invite(`${url}${door.link()}`);
  const respond = makeResponder(o, door, trees, invite);
  // Paths of 4,096 bytes have room in an address even where each byte is written as %NN.
  const server = createServer({ maxHeaderSize: 32 << 10 }, (request, answer) => {
    respond(request, answer).catch((error: unknown) => {
      // Headers are out or the other side is gone: the connection is all that is left to end.
      o.audit("broken off", { why: messageOf(error) });
      answer.destroy();
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.headersTimeout = 20_000;
  server.requestTimeout = 60_000;
  await new Promise<void>((done, failed) => {
    server.once("error", (error) => failed(cannotListen(o, error)));
    server.listen(o.port, o.host, done);
  });
  const { address, port, family } = server.address() as AddressInfo;
  const url = `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
  invite();
  return {
    url,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
        trees.close();
      }),
  };
}

/** A key behind an address that others reach is what this is not for. */
function assertOwn(host: string): void {
  if (host === "::1" || (isIP(host) === 4 && host.startsWith("127."))) return;
  throw new ColdkeepError("refused", {
    what: "snapshots are shown to this machine only",
    on: host,
    why: "whoever reaches another address could try to read every file of every snapshot",
    todo: "leave --listen out, or give 127.0.0.1:<port>; from elsewhere: ssh -L 8425:127.0.0.1:8425 <this host>",
  });
}

function cannotListen({ host, port }: ViewerOptions, error: unknown): ColdkeepError {
  return new ColdkeepError("config", {
    what: "cannot listen",
    on: `${host}:${port}`,
    why: systemCode(error) === "EADDRINUSE" ? "something else listens there" : messageOf(error),
    todo: "choose another port with --listen",
    cause: error,
  });
}
