import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { makeManager } from "../../agent/node/index.ts";
import { makeStandIn, untilExists } from "../support/stand-in-node.ts";
import { tempDir } from "../support/tmp.ts";
import { type ManagedService, serviceManagerConforms } from "./service-manager.ts";

function commandService(): ManagedService {
  const standIn = makeStandIn(tempDir());
  const pidFile = `${standIn.folder}.pid`;
  return {
    manager: makeManager(standIn.service),
    lives: () => existsSync(pidFile),
    async until(living) {
      if (living) return untilExists(pidFile);
      while (existsSync(pidFile)) await sleep(2);
    },
  };
}

const MANAGERS = { command: commandService };

describe("service managers", () => {
  for (const [name, make] of Object.entries(MANAGERS)) serviceManagerConforms(name, make);

  it(`ran: ${Object.keys(MANAGERS).join(", ")}`, () => {
    expect(Object.keys(MANAGERS).length).toBeGreaterThan(0);
  });
});
