import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bootMachine, COLDKEEP, type Machine, obstacleToMachines } from "./support/nspawn.ts";

const obstacle = obstacleToMachines();
const INSTALL_MD = readFileSync(new URL("../../docs/INSTALL.md", import.meta.url), "utf8");
const KEY = "0H#y@EGXPOAScAnB";

/** A node as another unit: its own user, files that nobody else can read, and a start and a stop that can be held up. */
const NODE = `[Service]
User=icon
ExecStart=/bin/sh -c 'while :; do date +%%s >>/srv/icon/data/log; sleep 0.1; done'
ExecStop=/bin/sh -c 'while test -e /run/hold-stop; do sleep 0.1; done'
TimeoutStopSec=300
`;

const CONFIG = `version: 1
vault: file:///var/backup/vault
vault_id: AAECAwQFBgcICQoLDA0ODw
encrypt_key: /etc/coldkeep/icon.key
nodes:
  icon:
    profile: files
    roots: { data: /srv/icon/data }
    immutable: ["*.sst"]
    service: { manager: command, stop: systemctl stop icon, start: systemctl start icon, is_running: systemctl is-active icon }
`;

/** A node of the service's own user, which a script starts and stops. */
const OWN_NODE = `#!/bin/sh
case $1 in
  start) setsid sh -c 'echo $$ >/srv/own/pid; while :; do date >>/srv/own/data/log; sleep 0.1; done' & ;;
  stop) kill "$(cat /srv/own/pid)" ;;
  is-running) test -e /srv/own/pid && kill -0 "$(cat /srv/own/pid)" ;;
esac
`;

const OWN_CONFIG = `version: 1
vault: file:///var/backup/vault
vault_id: AAECAwQFBgcICQoLDA0ODw
encrypt_key: /etc/coldkeep/own.key
nodes:
  own:
    profile: files
    roots: { data: /srv/own/data }
    service: { manager: command, stop: /srv/own/node stop, start: /srv/own/node start, is_running: /srv/own/node is-running }
`;

/** Another node, beside the one of CONFIG. */
const DB = `  db:
    profile: files
    roots: { data: /srv/db/data }
    service: { manager: systemd, unit: db }
`;

interface Listing {
  readonly snapshots: readonly { readonly snapshot: string; readonly state: string; readonly group?: string }[];
}

describe.skipIf(obstacle !== null)(`backups by systemd${obstacle === null ? "" : ` (skipped: ${obstacle})`}`, () => {
  it("are made by a timer, as a user of their own, in a sandbox; a node that a kill left down is brought back", async () => {
    const machine = await prepared();
    const unit = "coldkeep@icon.service";
    const journal = () => machine.must(["journalctl", "--no-pager", "-o", "cat", "-u", unit]);

    // What would be done is shown, and not done.
    const dry = await machine.must([...COLDKEEP, "install", "--dry-run"]);
    expect(dry).toContain("# /etc/systemd/system/coldkeep@.service");
    expect(dry).toContain("LoadCredentialEncrypted=coldkeep-key:/etc/credstore.encrypted/coldkeep-key");
    expect((await machine.run(["test", "-e", "/etc/systemd/system/coldkeep@.service"])).code).toBe(1);

    await machine.must([...COLDKEEP, "install", "--delay", "0"]);
    expect(await machine.must(["systemctl", "is-enabled", "coldkeep-recover.service", "coldkeep@icon.timer"])).toBe(
      "enabled\nenabled\n",
    );
    // A second time changes nothing.
    expect(await machine.must([...COLDKEEP, "install", "--delay", "0"])).toContain("Everything was as it is to be.");
    expect(await machine.must(["cat", "/etc/credstore.encrypted/coldkeep-key"])).not.toContain(KEY);

    // The timer fires: by a drop-in that lets it do so every two seconds.
    await machine.must(["mkdir", "/etc/systemd/system/coldkeep@icon.timer.d"]);
    const soon = "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/2\nAccuracySec=1ms\n";
    await machine.write("/etc/systemd/system/coldkeep@icon.timer.d/soon.conf", soon, 0o644);
    const before = await machine.must(["systemctl", "show", "-P", "ActiveEnterTimestampMonotonic", "icon"]);
    await machine.must(["systemctl", "daemon-reload"]);
    await machine.must(["systemctl", "restart", "coldkeep@icon.timer"]);
    await machine.must([
      ...["timeout", "90", "sh", "-c"],
      `journalctl -f -n all -o cat -u ${unit} | grep -m 1 -E "Deactivated successfully|Failed with result"`,
    ]);
    await machine.must(["systemctl", "stop", "coldkeep@icon.timer"]);
    await machine.must(["rm", "-r", "/etc/systemd/system/coldkeep@icon.timer.d"]);
    await machine.must(["systemctl", "daemon-reload"]);
    // One more may have begun.
    await machine.must([
      "sh",
      "-c",
      `while systemctl -q is-active ${unit} || test "$(systemctl show -P ActiveState ${unit})" = activating; do sleep 0.2; done`,
    ]);
    const said = await journal();
    expect(said).toContain("Deactivated successfully");
    expect(said).not.toContain(KEY);

    // By the user, in the sandbox, and the node is another run of it than before.
    expect(await machine.must(["sh", "-c", "stat -c %U /var/backup/vault/icon/snapshots/*.card.json | sort -u"])).toBe(
      "coldkeep\n",
    );
    expect(await machine.must(["systemctl", "is-active", "icon"])).toBe("active\n");
    expect(await machine.must(["systemctl", "show", "-P", "ActiveEnterTimestampMonotonic", "icon"])).not.toBe(before);
    const { snapshots } = JSON.parse(await machine.must([...COLDKEEP, "list", "--json"])) as Listing;
    expect(snapshots[0]).toMatchObject({ state: "good" });
    // Files of another user were linked, which takes CAP_FOWNER: there is no room for a copy. Nothing of it is left.
    expect(await machine.must(["sh", "-c", "ls -A /srv/icon/.coldkeep-freeze"])).toBe("");
    expect(await machine.must(["stat", "-c", "%h %U", "/srv/icon/data/000001.sst"])).toBe("1 icon\n");

    // Root still restores by hand, with the file that stayed.
    await machine.must([...COLDKEEP, "cat", "latest:data/000001.sst"]);
    await machine.must(["systemctl", "start", "coldkeep@icon.timer"]);
    const status = await machine.must([...COLDKEEP, "status"]);
    expect(status).toMatch(/^icon {2}good/);
    expect(status).toMatch(/next run +in /);

    // A drill in the sandbox proves the latest.
    await machine.must(["systemctl", "start", "coldkeep-drill@icon.service"]);
    expect(await machine.must([...COLDKEEP, "status"])).toMatch(/proven +\d{8}T/);

    // In place by hand, as the page says.
    const [line = ""] = INSTALL_MD.match(/^ {4}setpriv .*$/m) ?? [];
    const restoring = line.trim().replace(/ coldkeep (?=restore)/, ` ${COLDKEEP.join(" ")} `);
    await machine.must(["sh", "-c", `${restoring} --to /srv/restored`]);
    await machine.must(["cmp", "/srv/restored/data/000001.sst", "/srv/icon/data/000001.sst"]);
    await machine.must(["rm", "-r", "/srv/restored"]);
    await machine.must([
      "sh",
      "-c",
      "systemctl stop icon && echo damage >/srv/icon/data/000001.sst && rm /srv/icon/data/log",
    ]);
    await machine.must(["sh", "-c", restoring]);
    expect(await machine.must(["stat", "-c", "%s %U %a", "/srv/icon/data/000001.sst"])).toBe("30000000 icon 600\n");
    expect((await machine.must(["cat", "/srv/icon/data/log"])).length).toBeGreaterThan(0);
    await machine.must(["systemctl", "start", "icon"]);

    // Killed while the node is down, as by a power cut: nobody starts it.
    await machine.write("/run/hold-stop", "");
    await machine.must(["systemctl", "start", "--no-block", unit]);
    await machine.must([
      ...["timeout", "60", "sh", "-c"],
      'while test "$(systemctl show -P ActiveState icon)" != deactivating; do sleep 0.1; done',
    ]);
    await machine.must(["systemctl", "kill", "--signal=KILL", unit]);
    await machine.must(["rm", "/run/hold-stop"]);
    await machine.must([
      ...["timeout", "60", "sh", "-c"],
      'while test "$(systemctl show -P ActiveState icon)" != inactive; do sleep 0.1; done',
    ]);
    const alerts = "journalctl --no-pager -o cat -p alert";
    await machine.must([
      ...["timeout", "60", "sh", "-c"],
      `until ${alerts} | grep -qF 'coldkeep: ${unit} failed'; do sleep 0.1; done`,
    ]);
    // What a boot starts.
    await machine.must(["systemctl", "start", "coldkeep-recover.service"]);
    expect(await machine.must(["systemctl", "is-active", "icon"])).toBe("active\n");

    // It may stop and start the node, and nothing else; and write nothing of the node's.
    const asUser = ["setpriv", "--reuid=coldkeep", "--regid=coldkeep", "--clear-groups", "--no-new-privs"];
    expect((await machine.run([...asUser, "systemctl", "--no-ask-password", "stop", "dbus.service"])).code).not.toBe(0);
    expect((await machine.run([...asUser, "touch", "/srv/icon/data/mine"])).code).not.toBe(0);

    // Gone, but for what holds data.
    expect(await machine.must([...COLDKEEP, "uninstall"])).toContain("removed /etc/systemd/system/coldkeep@.service");
    expect((await machine.run(["systemctl", "cat", unit])).code).not.toBe(0);
    expect(
      await machine.must(["sh", "-c", "ls /etc/systemd/system /etc/polkit-1/rules.d | grep -c coldkeep || :"]),
    ).toBe("0\n");
    expect(JSON.parse(await machine.must([...COLDKEEP, "list", "--json"]))).toMatchObject({
      snapshots: expect.arrayContaining([expect.anything()]),
    });
  });

  it("leave a node running that a script of its own started, no nicer than others, and stop and start it again", async () => {
    const machine = await bootMachine();
    await machine.must(["mkdir", "-p", "/etc/coldkeep", "/var/backup", "/srv/own/data"]);
    await machine.write("/etc/coldkeep/config.yaml", OWN_CONFIG);
    await machine.write("/etc/coldkeep/own.key", KEY);
    await machine.write("/srv/own/node", OWN_NODE, 0o755);
    const installed = await machine.must([...COLDKEEP, "init"]).then(() => machine.must([...COLDKEEP, "install"]));
    expect(installed).toContain("what it starts itself is of coldkeep's service");
    await machine.must(["sh", "-c", "echo first >/srv/own/data/log && chown -R coldkeep /srv/own"]);
    await machine.must([
      "setpriv",
      "--reuid=coldkeep",
      "--clear-groups",
      "sh",
      "-c",
      "/srv/own/node start >/dev/null 2>&1",
    ]);
    await machine.must(["timeout", "60", "sh", "-c", "until /srv/own/node is-running; do sleep 0.1; done"]);
    const pids: string[] = [];
    for (const _ of [1, 2]) {
      const { code } = await machine.run(["systemctl", "start", "coldkeep@own.service"]);
      const told = await machine.must(["journalctl", "--no-pager", "-o", "cat", "-u", "coldkeep@own.service"]);
      // A oneshot is over once `start` comes back; what of it was to be ended is gone by then.
      expect(code, told).toBe(0);
      const pid = (await machine.must(["cat", "/srv/own/pid"])).trim();
      const stat = await machine.must(["cat", `/proc/${pid}/stat`]);
      // Its niceness is the 19th field (proc(5)).
      expect(Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16])).toBeLessThanOrEqual(0);
      pids.push(pid);
    }
    expect(new Set(pids).size).toBe(2);
    const { snapshots } = JSON.parse(await machine.must([...COLDKEEP, "list", "--json"])) as Listing;
    expect(snapshots.map(({ state }) => state)).toEqual(["good", "good"]);
  });

  it("of a group are made by its one timer, as one set; once it is not in the configuration any more its timer is gone", async () => {
    const machine = await prepared(async (machine) => {
      await machine.must(["sh", "-c", "install -d -o icon /srv/db/data && echo rows >/srv/db/data/rows"]);
      await machine.write("/etc/systemd/system/db.service", "[Service]\nExecStart=/bin/sleep infinity\n", 0o644);
      await machine.write("/etc/coldkeep/config.yaml", CONFIG + DB);
    });
    const unit = "coldkeep-group@set.service";
    await machine.must(["systemctl", "start", "db"]);
    const install = () => machine.must([...COLDKEEP, "install", "--delay", "0"]);
    const enabled = async () =>
      (await machine.must(["sh", "-c", "cd /etc/systemd/system/timers.target.wants && ls -d coldkeep*"]))
        .trim()
        .split("\n");
    const drills = ["coldkeep-drill@db.timer", "coldkeep-drill@icon.timer"];
    await install();
    expect(await enabled()).toEqual([...drills, "coldkeep@db.timer", "coldkeep@icon.timer"]);

    // Now as one set: no timer is left that would stop a member by itself.
    const config = "/etc/coldkeep/config.yaml";
    await machine.must([
      "sh",
      "-c",
      `cp ${config} ${config}.alone && echo "groups: { set: { order: [icon, db] } }" >>${config}`,
    ]);
    await install();
    expect(await enabled()).toEqual([...drills, "coldkeep-group@set.timer"]);
    await machine.must(["mkdir", "/etc/systemd/system/coldkeep-group@set.timer.d"]);
    const soon = "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/2\nAccuracySec=1ms\n";
    await machine.write("/etc/systemd/system/coldkeep-group@set.timer.d/soon.conf", soon, 0o644);
    await machine.must(["systemctl", "daemon-reload"]);
    await machine.must(["systemctl", "restart", "coldkeep-group@set.timer"]);
    await machine.must([
      ...["timeout", "90", "sh", "-c"],
      `journalctl -f -n all -o cat -u ${unit} | grep -m 1 -E "Deactivated successfully|Failed with result"`,
    ]);
    await machine.must(["systemctl", "stop", "coldkeep-group@set.timer"]);
    await machine.must([
      "sh",
      "-c",
      `while systemctl -q is-active ${unit} || test "$(systemctl show -P ActiveState ${unit})" = activating; do sleep 0.2; done`,
    ]);
    expect(await machine.must(["journalctl", "--no-pager", "-o", "cat", "-u", unit])).toContain(
      "Deactivated successfully",
    );
    const cards = "stat -c %U /var/backup/vault/groups/set/*.group.json | sort -u";
    expect(await machine.must(["sh", "-c", cards])).toBe("coldkeep\n");
    expect(await machine.must(["systemctl", "is-active", "icon", "db"])).toBe("active\nactive\n");
    for (const node of ["icon", "db"]) {
      const { snapshots } = JSON.parse(await machine.must([...COLDKEEP, "list", "--node", node, "--json"])) as Listing;
      expect(snapshots[0]).toMatchObject({ state: "good", group: expect.stringMatching(/^set\//) });
    }

    await machine.must(["mv", `${config}.alone`, config]);
    await machine.must(["systemctl", "start", "coldkeep-group@set.timer"]);
    expect(await install()).toMatch(/disable --now coldkeep-group@set.timer/);
    expect(await enabled()).toEqual([...drills, "coldkeep@db.timer", "coldkeep@icon.timer"]);
    expect((await machine.run(["systemctl", "is-active", "coldkeep-group@set.timer"])).stdout).toBe("inactive\n");
    expect((await machine.run(["systemctl", "cat", unit])).code).not.toBe(0);
  });
});

async function prepared(more?: (machine: Machine) => Promise<void>): Promise<Machine> {
  const machine = await bootMachine();
  await machine.must(["mkdir", "-p", "/etc/coldkeep", "/var/backup"]);
  await machine.must(["mkdir", "-m", "700", "/var/backup/vault"]);
  await machine.must(["mount", "-t", "tmpfs", "-o", "mode=755,size=70m", "tmpfs", "/srv"]);
  await machine.must(["sh", "-c", "useradd --system icon && install -d -o icon /srv/icon/data && chmod 755 /srv/icon"]);
  await machine.must([
    "sh",
    "-c",
    "head -c 30000000 /dev/urandom >/srv/icon/data/000001.sst; chown icon /srv/icon/data/*; chmod 600 /srv/icon/data/*",
  ]);
  await machine.write("/etc/coldkeep/config.yaml", CONFIG);
  await machine.write("/etc/coldkeep/icon.key", KEY);
  await more?.(machine);
  await machine.write("/etc/systemd/system/icon.service", NODE, 0o644);
  await machine.must(["systemctl", "daemon-reload"]);
  await machine.must(["systemctl", "start", "icon"]);
  await machine.must([...COLDKEEP, "init"]);
  return machine;
}
