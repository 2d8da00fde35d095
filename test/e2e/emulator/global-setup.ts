import { once } from "node:events";
import { createServer } from "node:http";
import type { TestProject } from "vitest/node";
import { type Emulator, startLocalStack } from "./localstack.ts";
import type { Missing } from "./venv.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the emulator of this run can be asked for. */
    emulatorDoor: string;
  }
}

/**
 * One emulator for all test files of a run, started when the first of them asks and stopped with the run. Test files run
 * in processes of their own, so they ask over the loopback.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let started: Promise<Emulator | Missing> | null = null;
  const door = createServer((_request, response) => {
    started ??= startLocalStack();
    started.then(
      (found) => response.end(JSON.stringify("missing" in found ? found : { endpoint: found.endpoint })),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  // The first answer may take as long as an installation.
  door.requestTimeout = 0;
  door.listen(0, "127.0.0.1");
  await once(door, "listening");
  const address = door.address();
  if (address === null || typeof address === "string") throw new Error("a listening server has a port");
  project.provide("emulatorDoor", `http://127.0.0.1:${address.port}/`);
  return async () => {
    door.closeAllConnections();
    door.close();
    const found = await started?.catch(() => null);
    if (found !== null && found !== undefined && "stop" in found) await found.stop();
  };
}
