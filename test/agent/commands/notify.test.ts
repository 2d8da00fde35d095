import { once } from "node:events";
import { appendFileSync, chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../posix/clock.ts";
import { copyOf, type Host, makeHost } from "../../cli/host.ts";
import { sharedTempDir, tempDir } from "../../support/tmp.ts";

const DAY = 24 * 3_600_000;
const SECRET = "T00-secret-path";
const home = sharedTempDir("coldkeep-notify");
let base: Host;
let server: Server;
let hook = "";
/** Bodies that the webhook got, and how many requests it is still to refuse. */
const got: string[] = [];
let refusals = 0;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const body = await text(request);
    if (refusals > 0) {
      refusals -= 1;
      response.writeHead(503).end();
      return;
    }
    got.push(body);
    response.end("ok");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  hook = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${SECRET}`;
  base = await makeHost(home);
});
afterAll(() => {
  server.close();
});

let host: Host;
let out = "";
beforeEach(() => {
  got.length = 0;
  refusals = 0;
  host = copyOf(base, tempDir("coldkeep-notify"));
  out = join(host.home, "told");
});

function notify(lines: string): void {
  appendFileSync(host.config, `\nnotify:\n${lines}\n`);
}

/** What the command of `notify` was given. */
function told(): { event: string; job: string; kind?: string; title: string; words: string }[] {
  if (!existsSync(out)) return [];
  return readFileSync(out, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

const refuseToStop = () => host.change(/stop: .*/, "stop: 'echo the stop failed >&2; exit 1'");

describe("notices", () => {
  it("of a run that fails, of each further one, and of the first that works again", async () => {
    notify(`  - command: cat >>${out}`);
    const good = readFileSync(host.config, "utf8");
    await host.json("backup");
    expect(told()).toEqual([]);
    refuseToStop();
    for (let time = 0; time < 2; time += 1) expect((await host.run(["backup"])).code).toBe(5);
    expect(told()).toMatchObject([
      { event: "failure", job: "backup", kind: "node-stop", title: expect.stringContaining("backup of demo on ") },
      { event: "failure", words: expect.stringContaining("the stop failed") },
    ]);
    writeFileSync(host.config, good);
    await host.json("backup");
    await host.json("backup");
    expect(told().slice(2)).toMatchObject([{ event: "recovery", words: expect.stringContaining("2 times") }]);
  });

  it("by a webhook, tried again where it fails, in the form that its side reads", async () => {
    notify(`  - { webhook: "${hook}", form: slack }\n  - { webhook: "${hook}", form: teams }\n  - webhook: "${hook}"`);
    refuseToStop();
    refusals = 1;
    const { stderr } = await host.run(["backup"]);
    expect(stderr).not.toContain("was not told");
    const bodies = got.map((body) => JSON.parse(body));
    expect(bodies).toHaveLength(3);
    expect(bodies).toContainEqual(expect.objectContaining({ source: "coldkeep", event: "failure", node: "demo" }));
    expect(bodies).toContainEqual(
      expect.objectContaining({ text: expect.stringMatching(/^coldkeep: backup of demo/) }),
    );
    expect(bodies).toContainEqual(
      expect.objectContaining({
        attachments: [expect.objectContaining({ contentType: expect.stringContaining("adaptive") })],
      }),
    );
  });

  it("that cannot be sent harm neither the run nor each other, and show no secret", async () => {
    const file = join(host.home, "hook.url");
    writeFileSync(file, `${hook}\n`);
    notify(`  - webhook_file: ${file}\n  - command: [/no/such/program]\n  - command: cat >>${out}`);
    refuseToStop();
    refusals = 9;
    const { code, stderr } = await host.run(["backup"]);
    expect(code).toBe(5);
    expect(stderr).toContain(`the webhook of ${file} was not told: it answered 503`);
    expect(stderr).toMatch(/the command of `notify` was not told: .*ENOENT/);
    expect(stderr).not.toContain(SECRET);
    expect(told()).toHaveLength(1);
  });

  it("by mail, as sendmail takes it", async () => {
    const sendmail = join(host.home, "sendmail");
    writeFileSync(sendmail, `#!/bin/sh\necho "$@" >${out}\ncat >>${out}\n`);
    chmodSync(sendmail, 0o755);
    notify(`  - { email: [ops@example.org, b@example.org], from: ck@example.org, sendmail: ${sendmail} }`);
    refuseToStop();
    await host.run(["backup"]);
    const [words, ...mail] = readFileSync(out, "utf8").split("\n");
    expect(words).toBe("-t -i");
    expect(mail.slice(0, 3)).toEqual(["From: ck@example.org", "To: ops@example.org,", " b@example.org"]);
    const body = Buffer.from(mail.slice(mail.indexOf("") + 1).join(""), "base64").toString();
    expect(body).toContain("the stop failed");
  });

  it("only of the events that are asked for", async () => {
    notify(`  - { command: "cat >>${out}", on: [recovery] }`);
    const good = readFileSync(host.config, "utf8");
    refuseToStop();
    await host.run(["backup"]);
    expect(told()).toEqual([]);
    writeFileSync(host.config, good);
    await host.json("backup");
    expect(told()).toMatchObject([{ event: "recovery" }]);
  });

  it("of backups that are late: once, after a day again, and when it is over; not where the vault cannot tell", async () => {
    notify(`  - command: cat >>${out}`);
    await host.json("backup");
    const at = (ms: number) =>
      host.run(["status", "--notify"], {
        clock: { now: () => systemClock.now() + ms, monotonic: () => systemClock.monotonic() },
      });
    expect((await at(0)).code).toBe(0);
    expect((await at(2 * DAY)).code).toBe(20);
    expect((await at(2 * DAY + 60_000)).code).toBe(20);
    expect(told()).toMatchObject([{ event: "alarm", kind: "stale", title: expect.stringContaining("in main") }]);
    await at(3 * DAY + 120_000);
    expect(told()).toHaveLength(2);
    renameSync(host.vault, `${host.vault}.away`);
    expect((await at(3 * DAY + 180_000)).code).toBe(8);
    expect(told().slice(2)).toMatchObject([{ event: "alarm", kind: "unreachable" }]);
    renameSync(`${host.vault}.away`, host.vault);
    await host.json("backup");
    expect((await at(0)).code).toBe(0);
    const [one, two, ...more] = told().slice(3);
    expect([one, two].map((notice) => notice?.event)).toEqual(["all-clear", "all-clear"]);
    expect(more).toEqual([]);
  });

  it("need somebody to tell", async () => {
    await host.json("backup");
    expect(await host.failure("status", "--notify")).toMatchObject({ kind: "config" });
  });
});
