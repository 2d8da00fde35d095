import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { tempDir } from "../support/tmp.ts";
import { makeHost } from "./host.ts";
import { runHere } from "./run.ts";

/** Everything in a bundle, as one text. */
const contentOf = (file: string) => execFileSync("tar", ["-xzOf", file], { encoding: "utf8" });

it("a bundle tells what helps, and none of the secrets and names that lie everywhere", async () => {
  const home = tempDir("planted-home-name");
  const host = await makeHost(home, { node: "planted-node-name" });
  await host.json("backup");
  const planted = {
    command: "Tr0ub4dor-in-a-command",
    url: "p4ss-in-a-url",
    query: "tok-in-a-query",
    mail: "planted.person@secret-company.example",
    host: "planted-host.secret-company.example",
    address: "203.0.113.77",
    env: "planted-env-secret-value",
    text: "0H#y@EGXPOAScAnB",
    ticket: "ckt1.cGxhbnRlZC10aWNrZXQ.c2lnbmF0dXJl",
    aws: "AKIAIOSFODNN7EXAMPLE",
    awsSecret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    log: "planted-in-the-log",
    reason: "planted-tag",
  };
  host.change(
    /^( +)when_down:/m,
    `$1health: { url: "https://user:${planted.url}@${planted.host}/health?token=${planted.query}" }\n` +
      `$1height: { command: "echo 'password=${planted.command}' >&2; exit 3" }\n$1tags: [${planted.reason}]\n$&`,
  );
  host.change(
    "nodes:",
    `notify:\n  - webhook: https://hooks.${planted.host}/services/${planted.query}\n  - { email: [${planted.mail}], from: ${planted.mail} }\n` +
      `identities: ["${planted.text}"]\nnodes:`,
  );
  const logs = join(home, "logs");
  mkdirSync(logs);
  writeFileSync(
    join(logs, "coldkeep-20260115.log"),
    `info backup: done\nerror ${planted.ticket} ${planted.aws} ${planted.awsSecret} ${planted.address}\n` +
      `warn Authorization: Bearer ${planted.log}\nwarn cannot read ${home}/x of planted-node-name\n`,
  );
  appendFileSync(join(home, "state", host.node, "freeze.journal"), `{"secret":"${planted.env}"}`);
  const env = { ...process.env, COLDKEEP_TEST_PLANTED: planted.env, AWS_SECRET_ACCESS_KEY: planted.awsSecret };
  const to = join(home, "support.tar.gz");
  const words = ["support-bundle", "--to", to, "--log-dir", logs, "--config", host.config];
  const { code, stderr } = await runHere(words, { clock: systemClock, env });
  expect(code, stderr).toBe(0);
  const content = contentOf(to);
  const key = readFileSync(host.key, "utf8").trim();
  const state = readFileSync(join(home, "state", host.node, "card-signing.pem"), "utf8").split("\n")[1] ?? "";
  for (const secret of [...Object.values(planted), key, state, home, "planted-node-name", "secret-company"]) {
    expect(secret.length).toBeGreaterThan(5);
    expect(content.includes(secret), `${secret} is in the bundle`).toBe(false);
  }
  for (const part of [
    '"coldkeep"',
    '"kernel"',
    '"profile": "files"',
    "freeze.journal",
    '"outages"',

    "backup: done",
  ]) {
    expect(content).toContain(part);
  }
  expect(content).toMatch(/"name": "service"[\s\S]*"status"/);
  expect((await runHere(words, { clock: systemClock, env })).code, "never over a file").not.toBe(0);
});

it("is made where the configuration is broken, too, and tells none of it", async () => {
  const home = tempDir("coldkeep-support");
  const config = join(home, "config.yaml");
  writeFileSync(config, 'nodes: { a: [\nencrypt_key: "0H#y@EGXPOAScAnB"\n', { mode: 0o600 });
  const to = join(home, "b.tar.gz");
  const { code, stderr } = await runHere(["support-bundle", "--to", to, "--config", config]);
  expect(code, stderr).toBe(0);
  expect(existsSync(to)).toBe(true);
  expect(contentOf(to)).not.toContain("0H#y");
});
