import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A name that only a proxy of ours knows. */
export const HIDDEN_NAME = "aws.coldkeep.test";

/** Listens on a free port of the loopback until the running test ends. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A server behind TLS, with a certificate for HIDDEN_NAME by an authority of its own, whose file is in `folder`. */
export async function securedFront(
  target: string,
  folder: string,
): Promise<{ readonly port: number; readonly ca: string }> {
  const file = (name: string) => join(folder, name);
  const ssl = (...words: string[]) => execFileSync("openssl", words, { stdio: "pipe", cwd: folder });
  const common = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  ssl("req", "-x509", ...common, "-days", "2", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=our own authority");
  writeFileSync(file("names"), `subjectAltName=DNS:${HIDDEN_NAME}\n`);
  ssl("req", ...common, "-keyout", "key.pem", "-out", "request.pem", "-subj", `/CN=${HIDDEN_NAME}`);
  ssl(
    ...["x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"],
    ...["-days", "2", "-extfile", "names", "-out", "cert.pem"],
  );
  const tls = { key: readFileSync(file("key.pem")), cert: readFileSync(file("cert.pem")) };
  const front = createTlsServer(tls, (incoming, outgoing) => {
    const { url = "/", method = "GET", headers } = incoming;
    const forward = request(new URL(url, target), { method, headers, setHost: false }, (found) => {
      outgoing.writeHead(found.statusCode ?? 500, found.headers);
      found.pipe(outgoing);
    });
    forward.on("error", () => outgoing.destroy());
    incoming.pipe(forward);
  });
  return { port: await listen(front), ca: file("ca.pem") };
}

/** A proxy that knows CONNECT and leads everybody to one port; it tells where they wanted to go. */
export async function startConnect(
  target: number,
  password?: string,
): Promise<{ readonly port: number; readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const proxy = createServer((_, response) => response.writeHead(405).end());
  proxy.on("connect", (incoming: IncomingMessage, client) => {
    client.on("error", () => {});
    const given = incoming.headers["proxy-authorization"];
    if (password !== undefined && given !== `Basic ${Buffer.from(password).toString("base64")}`) {
      client.end("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    asked.push(incoming.url ?? "");
    const onward = connect(target, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.pipe(client).pipe(onward);
    });
    onward.on("error", () => client.destroy());
    client.on("close", () => onward.destroy());
  });
  return { port: await listen(proxy), asked };
}
