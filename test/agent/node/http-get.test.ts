import { createServer } from "node:http";
import { expect, it, onTestFinished } from "vitest";
import { httpGet } from "../../../agent/node/http-get.ts";

it("takes what is left of a limit, which is no whole number of milliseconds", async () => {
  const server = createServer((_, response) => void response.end("well"));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a listening server has a port");
  const url = `http://127.0.0.1:${address.port}/`;
  expect(await httpGet(url, { timeoutMs: 30_000.587 })).toMatchObject({ status: 200 });
});
