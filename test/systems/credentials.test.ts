import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { keepSecret } from "../support/secrets.ts";
import { bootMachine, COLDKEEP, type Machine, obstacleToMachines } from "./support/nspawn.ts";

const obstacle = obstacleToMachines();
const KEY = "0H#y@EGXPOAScAnB";
keepSecret(KEY);
const KEYS_MD = readFileSync(new URL("../../docs/KEYS.md", import.meta.url), "utf8");

const CONFIG = `version: 1
vault: file:///var/backup/vault
vault_id: AAECAwQFBgcICQoLDA0ODw
state_dir: /var/lib/coldkeep
encrypt_key: credential:coldkeep-key
nodes: { demo: { profile: files, roots: { data: /srv/data }, service: { manager: none } } }
`;

const unit = (...credentials: readonly string[]) => `[Service]
Type=oneshot
ExecStart=${COLDKEEP.join(" ")} backup --config /etc/coldkeep/config.yaml
${credentials.join("\n")}
`;

describe.skipIf(obstacle !== null)(
  `keys that systemd hands to the service${obstacle === null ? "" : ` (skipped: ${obstacle})`}`,
  () => {
    /** A machine with a node and coldkeep set up, whose key is nowhere yet. */
    async function prepared(): Promise<Machine> {
      const machine = await bootMachine();
      await machine.must(["mkdir", "-p", "/etc/coldkeep", "/srv/data", "/var/backup"]);
      await machine.must(["mkdir", "-m", "700", "/root/keys", "/var/backup/vault"]);
      await machine.write("/srv/data/file", "content of the node");
      await machine.write("/etc/coldkeep/config.yaml", CONFIG);
      await machine.write("/root/keys/node.key", KEY);
      return machine;
    }

    const backup = (machine: Machine) => machine.run(["systemctl", "start", "coldkeep-backup.service"]);
    const journal = (machine: Machine) =>
      machine.must(["journalctl", "--no-pager", "-o", "cat", "-u", "coldkeep-backup.service"]);

    it("by LoadCredentialEncrypted, as KEYS.md writes it: the key lies encrypted, and opens nowhere else", async () => {
      // The lines that are run are the ones that are documented.
      const documented = /^ {4}(systemd-creds encrypt .*)$/m.exec(KEYS_MD)?.[1] ?? "";
      const line = /^ {4}# in the unit: +(LoadCredentialEncrypted=\S+)$/m.exec(KEYS_MD)?.[1] ?? "";
      const machine = await prepared();
      await machine.must([
        "sh",
        "-c",
        `mkdir -p /etc/credstore.encrypted; cd /root/keys && ${documented} && rm node.key`,
      ]);
      const sealed = await machine.must(["cat", "/etc/credstore.encrypted/coldkeep-key"]);
      expect(sealed).not.toContain(KEY);
      await machine.write("/etc/systemd/system/coldkeep-backup.service", unit(line), 0o644);
      await machine.must(["systemctl", "daemon-reload"]);
      // The first start makes the host's state and the vault.
      await machine.must([
        ...["systemd-run", "--quiet", "--wait", "--pipe", "-p", line],
        ...[...COLDKEEP, "init", "--config", "/etc/coldkeep/config.yaml"],
      ]);
      expect(await backup(machine), await journal(machine)).toMatchObject({ code: 0 });
      // By hand there is no credential; by a unit that has it, what it opens is what was there.
      const restore = [
        ...COLDKEEP,
        "restore",
        "latest",
        "--to",
        "/root/restored",
        "--config",
        "/etc/coldkeep/config.yaml",
      ];
      const bare = await machine.run(restore);
      expect(bare.code).toBe(4);
      expect(bare.stderr).toContain("systemd hands no credentials to this process");
      await machine.must(["systemd-run", "--quiet", "--wait", "--pipe", "-p", line, ...restore]);
      expect(await machine.must(["cat", "/root/restored/data/file"])).toBe("content of the node");
      expect(await journal(machine)).not.toContain(KEY);
    });

    it("by LoadCredential from a file; without it the service fails and says what its unit lacks", async () => {
      const machine = await prepared();
      const line = "LoadCredential=coldkeep-key:/root/keys/node.key";
      await machine.write("/etc/systemd/system/coldkeep-backup.service", unit(line), 0o644);
      await machine.must(["systemctl", "daemon-reload"]);
      await machine.must([
        ...["systemd-run", "--quiet", "--wait", "--pipe", "-p", line],
        ...[...COLDKEEP, "init", "--config", "/etc/coldkeep/config.yaml"],
      ]);
      expect(await backup(machine), await journal(machine)).toMatchObject({ code: 0 });
      await machine.write("/etc/systemd/system/coldkeep-backup.service", unit(), 0o644);
      await machine.must(["systemctl", "daemon-reload"]);
      expect((await backup(machine)).code).not.toBe(0);
      expect(await journal(machine)).toMatch(/systemd hands no credentials.*LoadCredential=coldkeep-key/s);
      expect(await journal(machine)).not.toContain(KEY);
    });

    it("not from a file that is emptied after reading, where a timer starts the service: the file stays as it is", async () => {
      const machine = await prepared();
      const consumed = CONFIG.replace(/encrypt_key: .*/, "encrypt_key: /root/keys/node.key\nconsume_key_file: true");
      await machine.write("/etc/coldkeep/config.yaml", consumed);
      await machine.must([...COLDKEEP, "init", "--config", "/etc/coldkeep/config.yaml"]);
      await machine.write("/etc/systemd/system/coldkeep-backup.service", unit(), 0o644);
      const timer = "[Timer]\nOnActiveSec=100ms\nAccuracySec=1ms\n";
      await machine.write("/etc/systemd/system/coldkeep-backup.timer", timer, 0o644);
      await machine.must(["systemctl", "daemon-reload"]);
      await machine.must(["systemctl", "start", "coldkeep-backup.timer"]);
      const told =
        'journalctl -f -n all -o cat -u coldkeep-backup.service | grep -m 1 "refused to empty a key file under a timer"';
      await machine.must(["timeout", "60", "sh", "-c", told]);
      expect(await machine.must(["cat", "/root/keys/node.key"])).toBe(KEY);
    });
  },
);
