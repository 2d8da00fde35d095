import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { askCondition } from "../../../agent/node/index.ts";

const LIMIT = { timeoutMs: 20_000 };
const ask = (config: Parameters<typeof askCondition>[0]) => askCondition(config, LIMIT, 0);

/** A server whose answers are told beforehand, the last one again and again. */
async function serve(...answers: string[]): Promise<{ readonly url: string; asked(): number }> {
  let asked = 0;
  const server = createServer((_, response) => {
    response.end(answers[Math.min(asked, answers.length - 1)]);
    asked += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, asked: () => asked };
}

describe("a condition", () => {
  it("over HTTP: the field is one of what it may be", async () => {
    const { url } = await serve('{"result":{"catching_up":true,"state":"Watch","n":3}}');
    const at = (field: string, ...is: string[]) => ask({ url, field, is });
    expect(await at("result.catching_up", "true")).toEqual({
      holds: true,
      detail: `${url} answers result.catching_up: "true"`,
    });
    expect((await at("result.catching_up", "false")).holds).toBe(false);
    expect((await at("result.state", "BlockSync", "Watch")).holds).toBe(true);
    expect((await at("result.n", "3")).holds).toBe(true);
  });

  it("that has no answer cannot be told, after three questions; one lost answer does not matter", async () => {
    const none = await serve("not json");
    expect((await ask({ url: none.url, field: "a", is: ["true"] })).holds).toBeNull();
    expect(none.asked()).toBe(3);
    const object = await serve('{"a":{}}');
    expect((await ask({ url: object.url, field: "a", is: ["[object Object]"] })).holds).toBeNull();
    const late = await serve("", '{"a":true}');
    expect((await ask({ url: late.url, field: "a", is: ["true"] })).holds).toBe(true);
    expect((await ask({ url: "http://127.0.0.1:9/", field: "a", is: ["true"] })).holds).toBeNull();
  });

  it("by a command: its status, or what it prints", async () => {
    expect((await ask({ command: "exit 0", is: ["true"] })).holds).toBe(true);
    expect((await ask({ command: "exit 1", is: ["true"] })).holds).toBe(false);
    expect((await ask({ command: ["/no/such/program"], is: ["true"] })).holds).toBeNull();
    expect((await ask({ command: "exit 127", is: ["true"] })).holds).toBeNull();
    expect((await ask({ command: `echo '{"a":"x"}'`, field: "a", is: ["x"] })).holds).toBe(true);
    expect((await ask({ command: `echo '{"a":"x"}'; exit 1`, field: "a", is: ["x"] })).holds).toBeNull();
  });

  it("ends with the signal's reason where it is cut off", async () => {
    const reason = new Error("told to stop");
    const asked = askCondition({ command: "sleep 100", is: ["true"] }, { ...LIMIT, signal: AbortSignal.abort(reason) });
    await expect(asked).rejects.toBe(reason);
  });
});
