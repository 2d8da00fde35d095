import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { runHere } from "../cli/run.ts";
import { startKubeOvn } from "./support/kubernetes-ovn.ts";
import { loseRecord, obstacleToOvn, type RaftHost, startRaft } from "./support/ovn-raft.ts";

const obstacle = obstacleToOvn() ?? (spawnSync("which", ["kubectl"]).status === 0 ? null : "kubectl is missing");
const because = obstacle === null ? "" : ` (skipped: ${obstacle})`;

describe.skipIf(obstacle !== null)(
  `OVN's databases by the real kubectl, on a stand-in for the API, over a real raft${because}`,
  () => {
    it("status, online backup, a majority lost and recovered, a member kicked: every row each time; no rights are told as that", async () => {
      const raft = await startRaft();
      raft.fill("a", 10);
      const before = raft.rows();
      const api = await startKubeOvn(raft);
      onTestFinished(() => api.halt());
      const [first, second, third] = raft.hosts as [RaftHost, RaftHost, RaftHost];
      const kubeconfig = join(raft.home, "kubeconfig");
      const clusters = [{ name: "c", cluster: { server: api.url } }];
      const contexts = [{ name: "x", context: { cluster: "c", user: "" } }];
      writeFileSync(kubeconfig, JSON.stringify({ apiVersion: "v1", kind: "Config", clusters, contexts }));
      const config = join(raft.home, "config.yaml");
      const coldkeep = (...words: string[]) => runHere([...words, "--config", config], { clock: systemClock });
      const init = await coldkeep(
        ...["init", "--state-dir", join(raft.home, "state"), "--vault", join(raft.home, "vault")],
        ...["--key-file", join(raft.home, "key"), "--node", "ovn", "--profile", "ovn", "--root", `ovn=${first.data}`],
        ...["--stop", "true", "--start", "true", "--is-running", "true"],
      );
      expect(init.code).toBe(0);
      const section = `    ovn: { capture: online, kubernetes: { context: x, kubeconfig: ${kubeconfig} } }\n`;
      writeFileSync(config, readFileSync(config, "utf8").replace(/^( +)when_down:/m, `${section}$&`));

      const backup = await coldkeep("backup", "--json");
      expect([backup.code, backup.stderr]).toEqual([0, ""]);
      expect(JSON.parse(backup.stdout)).toMatchObject({ heights: { nb: expect.any(Number), sb: expect.any(Number) } });

      // Every database of hosts 1 and 2 is lost, and northbound's file on the first is damaged.
      first.kill();
      second.kill();
      loseRecord(first.file("nb"));
      const quorums = async () => {
        const { code, stdout } = await coldkeep("ovn", "status", "--json");
        const { databases } = JSON.parse(stdout) as { databases: { quorum: string }[] };
        return [code, ...databases.map(({ quorum }) => quorum)];
      };
      await expect.poll(quorums, { timeout: 60_000 }).toEqual([7, "lost", "lost"]);
      api.requests.length = 0;
      const done = await coldkeep("ovn", "recover", "--yes", "--json");
      expect([done.code, done.stderr]).toEqual([0, ""]);
      expect(JSON.parse(done.stdout)).toMatchObject({
        state: "done",
        replicas: 3,
        did: ["stop", "convert", "move away", "place", "start", "check"],
        notes: [expect.stringMatching(/(\d+) of \1 recovered/), expect.stringMatching(/(\d+) of \1 recovered/)],
      });
      expect(api.requests.filter((each) => /^PATCH|^PUT/.test(each)).length).toBe(2);
      for (const host of raft.hosts) expect(raft.rows(host)).toBe(before);

      const kicked = await coldkeep("ovn", "kick", "sb", third.name, "--yes", "--json");
      expect([kicked.code, kicked.stderr]).toEqual([0, ""]);
      expect(api.requests.some((each) => each.startsWith("DELETE "))).toBe(true);
      for (const host of raft.hosts) expect(raft.rows(host)).toBe(before);

      api.forbidden = true;
      expect(await coldkeep("ovn", "status")).toMatchObject({ code: 14, stderr: expect.stringMatching(/right/) });
      expect(await coldkeep("backup")).toMatchObject({ code: 14 });
    });
  },
);
