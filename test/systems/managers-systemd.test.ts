import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { makeManager } from "../../agent/node/index.ts";
import { type ManagedService, managedBy, serviceManagerConforms } from "../conformance/service-manager.ts";
import { type Flavour, heldHome, serviceScript } from "../support/held-service.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { bootMachine, type Machine, obstacleToMachines } from "./support/nspawn.ts";

const LIMIT = { timeoutMs: 60_000 };
let made = 0;

/** Sets a variable of the environment for the tests of a suite: what managers call is found by it. */
function setting(name: string, value: string): void {
  const before = process.env[name];
  process.env[name] = value;
  afterAll(() => {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  });
}

const noMachine = obstacleToMachines();

describe.skipIf(noMachine !== null)(
  `systemd 252, a real one in a container${noMachine === null ? "" : ` (skipped: ${noMachine})`}`,
  () => {
    const shared = sharedTempDir("units");
    const bin = join(shared, "bin");
    mkdirSync(bin);
    setting("PATH", `${bin}${delimiter}${process.env.PATH ?? ""}`);
    setting("TMPDIR", shared);
    let machine: Machine;
    beforeAll(async () => {
      machine = await bootMachine({ binds: [shared], kept: true });
      const enter = machine.enter.map((word) => `'${word}'`).join(" ");
      writeFileSync(join(bin, "systemctl"), `#!/bin/sh\nexec ${enter} systemctl "$@"\n`, { mode: 0o755 });
    });
    afterAll(() => machine?.halt());

    async function unit(flavour: Flavour, more = ""): Promise<ManagedService & { readonly unit: string }> {
      const held = heldHome();
      const name = `held-${++made}.service`;
      const command = flavour === "broken" ? "/no/such/program" : `/bin/sh ${join(held.home, "service")}`;
      if (flavour !== "broken") writeFileSync(join(held.home, "service"), serviceScript(held.data, flavour));
      // What systemd was asked to stop it stops, by SIGKILL in the end; only then can the start that follows take effect.
      const text = `[Service]\nType=exec\nExecStart=${command}\nTimeoutStopSec=4s\n${more}`;
      await machine.write(`/etc/systemd/system/${name}`, text, 0o644);
      await machine.must(["systemctl", "daemon-reload"]);
      onTestFinished(async () => void (await machine.run(["systemctl", "kill", "--signal=KILL", name])));
      return { ...held, unit: name, ...managedBy({ manager: "systemd", unit: name }) };
    }

    serviceManagerConforms("systemd", unit);

    it("a unit that is not there is told as a mistake in the configuration", async () => {
      const manager = makeManager({ manager: "systemd", unit: "nope.service" });
      await expect(manager.isRunning(LIMIT)).rejects.toMatchObject({ kind: "config", on: "nope.service" });
      await expect(manager.stop(LIMIT)).rejects.toMatchObject({
        kind: "node-stop",
        why: expect.stringMatching(/not loaded/),
      });
    });

    it("a unit that failed until systemd gave it up is started all the same", async () => {
      const held = await unit("well", "[Unit]\nStartLimitBurst=1\nStartLimitIntervalSec=3600\n");
      await held.manager.start(LIMIT);
      await held.until(true);
      await held.manager.stop(LIMIT);
      await held.manager.start(LIMIT);
      await held.until(true);
      expect(await held.manager.isRunning(LIMIT)).toBe(true);
    });

    it("a unit that systemd restarts by itself stays down once it is stopped", async () => {
      const held = await unit("well", "Restart=always\nRestartSec=0\n");
      await held.manager.start(LIMIT);
      await held.until(true);
      await held.manager.stop(LIMIT);
      expect([held.lives(), await held.manager.isRunning(LIMIT)]).toEqual([false, false]);
    });
  },
);
