import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Flavour, heldHome, serviceScript } from "../support/held-service.ts";
import { type ManagedService, managedBy, serviceManagerConforms } from "./service-manager.ts";

function commandService(flavour: Flavour): ManagedService {
  const held = heldHome();
  const pid = join(held.home, "pid");
  const script = serviceScript(held.data, flavour === "deaf" ? "deaf" : "well");
  const alive = `kill -0 "$(cat '${pid}' 2>/dev/null)" 2>/dev/null`;
  onTestFinished(() => void spawnSync("sh", ["-c", `kill -9 "$(cat '${pid}')" 2>/dev/null`]));
  const begin = [
    "sh",
    "-c",
    `${alive} && exit 0; setsid sh -c "$1" >/dev/null 2>&1 & echo $! > '${pid}'`,
    "sh",
    script,
  ];
  const start = flavour === "broken" ? "exit 7" : begin;
  const stop = `${alive} || exit 0; kill -TERM "$(cat '${pid}')"`;
  return { ...held, ...managedBy({ manager: "command", start, stop, isRunning: alive }) };
}

const MANAGERS = { command: commandService };

describe("service managers", () => {
  for (const [name, make] of Object.entries(MANAGERS)) serviceManagerConforms(name, make);

  // The others need what they drive: test/systems/managers.test.ts.
  it(`ran: ${Object.keys(MANAGERS).join(", ")}`, () => {
    expect(Object.keys(MANAGERS).length).toBeGreaterThan(0);
  });
});
