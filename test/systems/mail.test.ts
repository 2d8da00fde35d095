import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { type Host, makeHost } from "../cli/host.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { lacking } from "./support/lacking.ts";

const home = sharedTempDir("coldkeep-mail");
const asRoot = process.getuid?.() === 0 ? "" : " (skipped: only root gives a mail system folders of its own)";
const missing = `${lacking("dma")}${asRoot}`;
const SECRET = "hooks-secret-path";
/** Letters of one to four bytes, for long: no way to cut them up is right by chance. */
const FOREIGN = "Größe-节点-🧊-".repeat(8);

let host: Host;
let sendmail = "";
const mailbox = join(home, "mail", "root");

/**
 * A real mail system, Debian's dma, whose queue and mailboxes are folders of this test, and nobody else's: bound over its own in
 * a mount namespace of each call. It has no service, so nothing outlives the call.
 */
function installMail(): string {
  execFileSync("cp", ["-a", "/etc/dma", join(home, "etc")]);
  for (const folder of ["spool", "mail"]) {
    mkdirSync(join(home, folder));
    execFileSync("chown", ["root:mail", join(home, folder)]);
    chmodSync(join(home, folder), 0o2775);
  }
  const path = join(home, "sendmail");
  const binds = [
    ["etc", "/etc/dma"],
    ["spool", "/var/spool/dma"],
    ["mail", "/var/mail"],
  ].map(([own, place]) => `mount --bind '${join(home, own ?? "")}' ${place}`);
  writeFileSync(
    path,
    `#!/bin/sh\necho "$@" >>'${home}/calls'\nexec unshare --mount /bin/sh -c "${binds.join(" && ")} && exec /usr/sbin/dma \\"\\$@\\"" sendmail "$@"\n`,
  );
  chmodSync(path, 0o755);
  return path;
}

interface Mail {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly longest: number;
}

/** What was delivered, as Python's own reader of mailboxes understands it, by the strictness of its current policy. */
function delivered(): Mail[] {
  if (!existsSync(mailbox)) return [];
  const read = `
import email, email.policy, json, mailbox, sys
box = mailbox.mbox(sys.argv[1], factory=None)
def one(raw):
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert not mail.defects, mail.defects
    for value in mail.values(): assert not value.defects, value.defects
    return {"headers": {k.lower(): str(v) for k, v in mail.items()}, "body": mail.get_content(), "longest": max(map(len, raw.splitlines()))}
print(json.dumps([one(box.get_bytes(key)) for key in box.keys()]))`;
  return JSON.parse(execFileSync("python3", ["-c", read, mailbox], { encoding: "utf8" }));
}

beforeAll(async () => {
  if (missing !== "") return;
  sendmail = installMail();
  host = await makeHost(home);
  appendFileSync(
    host.config,
    `\nnotify:\n  - { email: [root@localhost, mail@localhost], from: coldkeep@example.org, sendmail: "${sendmail}" }\n  - { webhook: "http://127.0.0.1:1/${SECRET}", on: [all-clear] }\n`,
  );
});

const calls = () => readFileSync(join(home, "calls"), "utf8").trimEnd().split("\n");

describe.skipIf(missing !== "")(`notices by a real mail system${missing}`, () => {
  it("tell of a backup that fails, whole, in any letters, and with no secret", async () => {
    const good = readFileSync(host.config, "utf8");
    // Lines that end a message or a mailbox where somebody forgets to guard them, and one longer than mail has lines.
    const said = [
      "Knoten hält nicht – 节点",
      ".",
      "From nobody Thu Jan  1 00:00:00 1970",
      "..x",
      `long ${"y".repeat(3000)}`,
    ];
    writeFileSync(join(home, "said"), `${said.join("\n")}\n`);
    host.change(/stop: .*/, `stop: 'cat ${join(home, "said")} >&2; exit 1'`);
    const { code, stderr } = await host.run(["backup"]);
    expect(code).toBe(5);
    expect(stderr).not.toContain("localhost was not told");
    expect(calls()).toEqual(["-t -i"]);
    writeFileSync(host.config, good);
    expect((await host.run(["backup"])).code).toBe(0);
    const [failed, works, ...more] = delivered();
    expect(more).toEqual([]);
    expect(failed?.headers).toMatchObject({
      from: "coldkeep@example.org",
      to: "root@localhost, mail@localhost",
      subject: expect.stringMatching(/^coldkeep: backup of demo on \S+ FAILED$/),
      "auto-submitted": "auto-generated",
      "message-id": expect.stringMatching(/^<.+>$/),
      received: expect.stringContaining("DragonFly Mail Agent"),
    });
    expect(Math.abs(Date.parse(failed?.headers.date ?? "") - systemClock.now())).toBeLessThan(600_000);
    expect(failed?.body).toContain("coldkeep: ");
    expect(failed?.longest).toBeLessThanOrEqual(998);
    expect(works?.headers.subject).toMatch(/ works again$/);
    const raw = readFileSync(mailbox, "utf8") + failed?.body + works?.body;
    expect(raw).not.toContain(SECRET);
    expect(raw).not.toContain(readFileSync(host.key, "utf8").trim());
  });

  it("have a subject of any length in any letters", async () => {
    const before = delivered().length;
    const place = join(home, FOREIGN);
    host.change(`file://${host.vault}`, `file://${place}`);
    const ran = await host.run(["status", "--notify"]);
    expect(ran.code, ran.stderr + ran.stdout).toBe(8);
    host.change(`file://${place}`, `file://${host.vault}`);
    const mail = delivered().at(before);
    expect(mail?.headers.subject).toMatch(/^coldkeep: demo on \S+: /);
    expect(mail?.headers.subject).toContain(FOREIGN);
    expect(mail?.body).toContain(FOREIGN);
    expect(mail?.longest, "no line of an encoded header or body is longer").toBeLessThanOrEqual(78);
  });

  it("that it refuses are tried again, and told of, and the run ends as it would", async () => {
    const [before, tried] = [delivered().length, calls().length];
    host.change("root@localhost, mail@localhost", "nobody-of-this-name@localhost");
    host.change(/stop: .*/, "stop: 'exit 1'");
    const { code, stderr } = await host.run(["backup"]);
    expect(code).toBe(5);
    expect(stderr).toMatch(/nobody-of-this-name@localhost was not told: it ended with 65: .*invalid recipient/);
    expect(calls().length - tried).toBe(3);
    expect(delivered()).toHaveLength(before);
  });
});
