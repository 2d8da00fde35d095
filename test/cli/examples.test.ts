import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Application, type CommandContext, generateHelpTextForAllCommands } from "@stricli/core";
import { beforeAll, describe, expect, it } from "vitest";
import { buildApp } from "../../agent/commands/app.ts";
import { sharedTempDir, tempDir } from "../support/tmp.ts";
import { copyOf, type Host, makeHost } from "./host.ts";
import { runHere } from "./run.ts";

/** What is typed in the help of a command: one line each, continued lines joined. */
function examplesOf(help: string): string[] {
  const [, shown = ""] = /\n\s*EXAMPLES\n(.*?)\n\n/s.exec(help) ?? [];
  return shown
    .replaceAll(/ \\\n\s+/g, " ")
    .split("\n")
    .flatMap((line) => (line.startsWith("  coldkeep ") ? [line.slice("  coldkeep ".length)] : []));
}

const pages = generateHelpTextForAllCommands((await buildApp(() => {})) as unknown as Application<CommandContext>);
const all = pages.flatMap(([route, help]) => examplesOf(help).map((typed) => [route, typed] as const));

/** The words of a line, as a shell parts them. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? "",
  );
}

/** What an example may take that is not here, and why. */
const NOT_HERE: readonly (readonly [what: RegExp, why: string])[] = [
  [/s3:/, "it takes a bucket"],
  [/--group/, "it takes a group of nodes, as test/agent/commands/group.test.ts has"],
  [/^forget 2026/, "its one snapshot is the newest, which never expires; test/cli/retention.test.ts has it"],
  [/^publish (latest|revoke)/, "it takes a presenter's place, as test/cli/publish.test.ts has"],
  [/^cost .*--file/, "it takes a stack's configuration, as test/agent/cost has"],
  [/^cloud deploy/, "it takes the CDK and an account, as test/systems/cloud has"],
  [/^cloud status/, "it takes a stack in AWS, as test/systems/cloud has"],
  [/^install(?! --dry-run)|^uninstall$/, "it would change this machine; test/systems/service.test.ts has one for it"],
  [/cloud agent-policy/, "it takes a vault in S3, whose policy it is"],
  [/age1…|identity:|identity age:/, "it takes somebody's age key"],
  [/--hsm|hsm:/, "it takes a token"],
  [/^serve|^restore --from/, "it takes a server and somebody to ask it, as test/cli/remote-restore.test.ts has"],
  [/^node (retire|delete|rename)/, "it ends a node, as test/cli/node-end.test.ts does"],
  [/^(ticket|share) revoke/, "it takes the id of a ticket that was made before"],
  [/--blocks/, "it takes files named by heights, as test/cli/chainmaker.test.ts has"],
  [/rocksdb-backup/, "it takes a RocksDB, as test/systems/rocksdb.test.ts has"],
  [/^(?:export|import) .*icon /, "it takes a P-Rep, as test/cli/icon.test.ts has"],
  [/^ovn |^import ovn/, "it takes OVN's databases, as test/systems/ovn-cluster.test.ts has"],
  [/--answer/, "it takes an answer that only the holder of the key can give"],
  [/(old|new|2025)\.key/, "it takes keys that were in use before"],
];

const whyNot = (typed: string) => NOT_HERE.find(([what]) => what.test(typed))?.[1];
const runnable = all.filter(([, typed]) => whyNot(typed) === undefined);

/** The label of one more recipient, which every snapshot of the host gets a slot of. */
async function addedLabel(host: Host): Promise<string> {
  const made = ["key", "generate", "--age", "--to", join(host.home, "more.txt")];
  const { recipient } = await host.json<{ recipient: string }>(...made);
  await host.json("key", "add", recipient);
  const { nodes } = await host.json<{ nodes: { groups: { type: string; kid: string }[] }[] }>("key", "list");
  return nodes.flatMap(({ groups }) => groups).find(({ type }) => type === "age")?.kid ?? "";
}

describe("each command's help", () => {
  const home = sharedTempDir("coldkeep-examples");
  let host: Host;
  let snapshot = "";

  beforeAll(async () => {
    host = await makeHost(home, { node: "icon", height: 1100 });
    writeFileSync(join(host.data, "CURRENT"), "MANIFEST-000001\n");
    snapshot = (await host.json<{ snapshot: string }>("backup")).snapshot;
  });

  it("has an example", () => {
    for (const [route, help] of pages) expect(examplesOf(help), route).not.toEqual([]);
  });

  it("is run here but for these", () => {
    for (const [, typed] of all) {
      const why = whyNot(typed);
      if (why !== undefined) console.log(`not run, as ${why}: coldkeep ${typed}`);
    }
    expect(runnable.length).toBeGreaterThan(all.length / 2);
  });

  it.each(runnable)("%s: `coldkeep %s` does what it says", async (route, typed) => {
    const copy = copyOf(host, tempDir("coldkeep-example"));
    const config = join(copy.home, "config.yaml");
    // The places of the examples are another machine's, and their snapshots another vault's.
    const here = typed
      .replace("20260115T000000Z-bh1200-0123456789abcdef", snapshot)
      .replace("2026-01-15 00:00", "2100-01-01 00:00")
      .replace("--from main --to offsite", `--from ${copy.vault} --to ${join(copy.home, "offsite")}`)
      .replace("/mnt/usb/vault", join(copy.home, "usb"))
      .replace("/backup/a", copy.vault)
      .replace("/backup/b", join(copy.home, "offsite"))
      .replace("/srv/restored", join(copy.home, "restored"))
      .replace("/srv/scratch/", `${copy.home}/`)
      .replace("/srv/scratch", join(copy.home, "scratch"))
      .replace("/srv/icon/data", copy.data)
      .replace("file:///backup/vault", `file://${join(copy.home, "new-vault")}`)
      .replace("/etc/coldkeep/icon.key", copy.key)
      .replace("/etc/coldkeep/node.key", join(copy.home, "new.key"))
      .replace("--to identity.txt", `--to ${join(copy.home, "identity.txt")}`)
      .replace("./config.yaml", config)
      .replace("systemctl stop icon", `rm -f ${copy.home}/up`)
      .replace("systemctl start icon", `touch ${copy.home}/up`)
      .replace("systemctl is-active icon", `test -e ${copy.home}/up`)
      .replace("--output backups.html", `--output ${join(copy.home, "backups.html")}`)
      .replace("/var/www/html/icon.html", join(copy.home, "icon.html"))
      .replace("--to icon.share", `--to ${join(copy.home, "icon.share")}`)
      .replace("--to icon.ticket", `--to ${join(copy.home, "icon.ticket")}`)
      .replace(/ >\s?\S+$/, "");
    const words = wordsOf(here);
    const label = words.indexOf("6a09e667f3bcc908");
    if (label >= 0) words[label] = await addedLabel(copy);
    // Beside paths of this machine there are those inside a snapshot, such as latest:data/CURRENT.
    const elsewhere = words.filter((word) => /(^|=|:)\.{0,2}\//.test(word) && !word.includes(copy.home));
    expect(elsewhere, "places of this machine that the example must not touch").toEqual([]);
    if (route === "coldkeep init") {
      rmSync(config);
      words.push("--state-dir", join(copy.home, "new-state"));
    }
    // In place it is refused while the node runs, as it should be.
    if (route === "coldkeep restore" && !words.includes("--to")) rmSync(join(copy.home, "up"));
    if (typed.includes("--without-key")) rmSync(copy.key);
    const { code, stdout, stderr } = await copy.run(words.filter((word) => word !== "--config" && word !== config));
    expect(code, stderr).toBe(0);
    expect(stdout).not.toBe("");
    if (words.includes("--json")) JSON.parse(stdout);
  });

  it("is printed by --help, -h and help", async () => {
    const { code, stdout } = await runHere(["restore", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("coldkeep restore latest --to /srv/restored");
    for (const words of [
      ["restore", "-h"],
      ["help", "restore"],
    ]) {
      expect(await runHere(words)).toEqual({ code, stdout, stderr: "" });
    }
    expect((await runHere(["help"])).stdout).toBe((await runHere(["--help"])).stdout);
  });
});
