import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { Io } from "../../agent/commands/io.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { type Host, makeHost } from "./host.ts";

/** A small stand-in for the `docker` command line: a container is a file, which says whether it runs. */
const STAND_IN = `#!/bin/sh
cd "$(dirname "$0")/containers" || exit 1
verb=$1; shift
for last; do :; done
case $verb in
  inspect)
    [ -e "$last" ] || { echo "Error: No such container: $last" >&2; exit 1; }
    echo "$(cat "$last") false false null \\"x\\" \\"no\\"" ;;
  kill) echo false >"$last" ;;
  start) echo true >"$last" ;;
  compose) echo 0123456789ab ;;
  ps)
    [ -e ../broken ] && { echo "Cannot connect to the Docker daemon" >&2; exit 1; }
    for name in $(ls | grep -F -- "\${3#name=}"); do
      case $name in *tool | peer0) image=hyperledger/fabric-peer ;; *) image=$name-0123 ;; esac
      printf '%s\\t%s\\n' "$name" "$image"
    done ;;
  rm)
    [ -e ../stuck ] && { echo "device or resource busy" >&2; exit 1; }
    shift; echo "$@" >>../removed; rm -- "$@" ;;
  *) exit 64 ;;
esac
`;

const BY_HAND = "The containers of chaincode are to be removed before it starts";
const OWN = ["dev-peer0.org1-basic_1.0-abc", "dev-peer0.org1-other_2-def"];
const OTHERS = ["dev-peer1.org1-basic_1.0-abc", "dev-peer0.org1-tool", "my-dev-peer0-tool", "peer0"];

describe("containers of chaincode, by a stand-in for docker", () => {
  const home = sharedTempDir("coldkeep-chaincode");
  const containers = join(home, "bin/containers");
  let host: Host;
  let configured = "";

  beforeAll(async () => {
    host = await makeHost(home);
    mkdirSync(containers, { recursive: true });
    writeFileSync(join(home, "bin/docker"), STAND_IN);
    chmodSync(join(home, "bin/docker"), 0o755);
    vi.stubEnv("PATH", `${join(home, "bin")}:${process.env.PATH}`);
    writeFileSync(join(containers, "peer0"), "true\n");
    host.change("profile: files", "profile: fabric-peer");
    host.change(/service:\n(?: {6,}.*\n)+/, "service: { manager: docker, container: peer0 }\n");
    configured = readFileSync(host.config, "utf8");
    await host.json("backup");
    return () => vi.unstubAllEnvs();
  });

  const SERVICE = "service: { manager: docker, container: peer0 }";

  /** A peer that is down, with containers of chaincode; restored as configured. */
  async function restored(setting: string | null, words: readonly string[] = ["--yes"], change?: Partial<Io>) {
    const line = setting === null ? "" : `$1remove_chaincode: ${setting}\n`;
    writeFileSync(host.config, configured.replace(/^( +)when_down:/m, `${line}$&`));
    rmSync(join(home, "bin/removed"), { force: true });
    for (const name of [...OWN, ...OTHERS]) writeFileSync(join(containers, name), "false\n");
    const ran = await host.run(["restore", "latest", ...words], change);
    const removed = existsSync(join(home, "bin/removed")) ? readFileSync(join(home, "bin/removed"), "utf8") : "";
    return { ...ran, removed: removed.trim(), left: readdirSync(containers).sort() };
  }

  it("are left, and their removal is told of, where nothing else is configured", async () => {
    const { code, stdout, left } = await restored(null);
    expect([code, left]).toEqual([0, [...OWN, ...OTHERS].sort()]);
    expect(stdout).toContain(BY_HAND);
  });

  it("are removed by name with remove_chaincode: true, those of all peers, and no other container", async () => {
    const { code, stdout, stderr, removed, left } = await restored("true");
    expect(code, stderr).toBe(0);
    expect(removed).toBe([...OWN, OTHERS[0]].join(" "));
    expect(left).toEqual(["dev-peer0.org1-tool", "my-dev-peer0-tool", "peer0"]);
    expect(stdout).toContain(`Removed before: containers of chaincode ${[...OWN, OTHERS[0]].join(", ")}`);
    expect(stdout).not.toContain(BY_HAND);
  });

  it("are those of this peer where the beginning of their names is given", async () => {
    const { stdout, removed } = await restored("dev-peer0.org1", ["--yes", "--json"]);
    expect(removed).toBe(OWN.join(" "));
    expect(JSON.parse(stdout)).toMatchObject({ removed_containers: OWN });
  });

  it("are left by --dry-run, and where the question is answered with no", async () => {
    const dry = await restored("true", ["--dry-run"]);
    expect([dry.code, dry.removed]).toEqual([0, ""]);
    expect(dry.stdout).toContain("Removed before: containers of chaincode dev-peer0.org1-basic_1.0-abc");
    const no = await restored("true", [], { ask: async () => "n" });
    expect([no.code, no.removed]).toEqual([12, ""]);
    const yes = await restored("true", [], { ask: async () => "y" });
    expect([yes.code, yes.removed]).toEqual([0, [...OWN, OTHERS[0]].join(" ")]);
    const beside = await restored("true", ["--to", join(home, "beside")]);
    expect([beside.code, beside.removed]).toEqual([0, ""]);
  });

  it.each(["broken", "stuck"])(
    "that docker does not list or remove (%s) are warned of, and data comes back",
    async (how) => {
      writeFileSync(join(home, "bin", how), "");
      const { code, stdout, stderr, removed } = await restored("true");
      rmSync(join(home, "bin", how));
      expect([code, removed]).toEqual([0, ""]);
      expect(stderr).toMatch(/containers of chaincode are to be removed by hand: .*(daemon|busy)/);
      expect(stdout).toContain(BY_HAND);
    },
  );

  it("are removed where compose drives the peer, too", async () => {
    const file = join(home, "compose.yaml");
    writeFileSync(file, "services: {}\n");
    writeFileSync(join(containers, "0123456789ab"), "false\n");
    const docker = configured;
    configured = docker.replace(SERVICE, `service: { manager: compose, file: ${file}, services: [peer0] }`);
    const { code, stderr, removed, left } = await restored("dev-peer0.org1");
    configured = docker;
    expect(code, stderr).toBe(0);
    expect(removed).toBe(OWN.join(" "));
    expect(left).toContain("0123456789ab");
    expect(readFileSync(join(containers, "0123456789ab"), "utf8")).toBe("true\n");
  });

  it("are removed by the restore of a group, each peer's own, before anything of it starts", async () => {
    const alone = configured;
    mkdirSync(join(home, "orderer"));
    const orderer = `  orderer: { profile: fabric-orderer, roots: { data: ${home}/orderer }, ${SERVICE.replace("peer0", "orderer0")} }\n`;
    configured = alone.replace(/^nodes:\n/m, `groups: { fabric: { order: [demo, orderer] } }\n$&${orderer}`);
    for (const name of ["peer0", "orderer0"]) writeFileSync(join(containers, name), "true\n");
    writeFileSync(host.config, configured);
    expect((await host.run(["init"])).code).toBe(0);
    await host.json("backup", "--group", "fabric");
    writeFileSync(join(containers, "orderer0"), "false\n");
    const dry = await restored("dev-peer0.org1", ["--group", "fabric", "--dry-run"]);
    expect([dry.code, dry.removed]).toEqual([0, ""]);
    expect(dry.stdout).toContain(`Removed before: containers of chaincode ${OWN.join(", ")}`);
    const { code, stdout, stderr, removed } = await restored("dev-peer0.org1", ["--group", "fabric", "--yes"]);
    configured = alone;
    expect(code, stderr).toBe(0);
    expect(removed).toBe(OWN.join(" "));
    expect(stdout).not.toContain(BY_HAND);
    expect(readFileSync(join(containers, "peer0"), "utf8")).toBe("true\n");
  });

  it("are named by true or by a beginning, and nothing else", async () => {
    const { code, stderr } = await restored("'*'");
    expect(code).toBe(3);
    expect(stderr).toMatch(/remove_chaincode.*true for those that begin with dev-peer/s);
  });
});
