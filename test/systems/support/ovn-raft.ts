import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { tempDir } from "../../support/tmp.ts";

const SCHEMAS = "/usr/share/ovn/ovn-nb.ovsschema";

/** Why these tests cannot run here; null where they can. */
export function obstacleToOvn(): string | null {
  const missing = spawnSync("which", ["ovsdb-server"]).status !== 0 || !existsSync(SCHEMAS);
  if (missing && process.env.CI !== undefined)
    throw new Error("apt-get install ovn-central ovn-common openvswitch-common");
  return missing ? "apt-get install ovn-central ovn-common openvswitch-common" : null;
}

export const call = (program: string, ...words: string[]) =>
  execFileSync(program, words, { encoding: "utf8", stdio: "pipe" });

/**
 * Three hosts with both databases, each a member of two raft clusters of real ovsdb-servers: 127.0.0.1, 127.0.0.2 and
 * 127.0.0.3, with a folder each. What starts them does as ovn-ctl: a file is taken as it is, a standalone one begins a new
 * cluster, and who has none joins the others.
 */
export interface Raft {
  readonly home: string;
  readonly hosts: readonly RaftHost[];
  /** Where both databases can be written, whoever leads. */
  readonly nb: string;
  readonly sb: string;
  fill(label: string, count: number): void;
  /** Every row of both databases, as ovsdb-client prints them. */
  rows(host?: RaftHost): string;
}

export interface RaftHost {
  readonly name: string;
  readonly data: string;
  readonly run: string;
  readonly log: string;
  readonly stop: string;
  readonly start: string;
  file(database: "nb" | "sb"): string;
  /** Ends its servers at once, as a power cut does. */
  kill(): void;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function startText(folder: string, number: number, ports: { readonly nb: number; readonly sb: number }): string {
  const of = (host: number, port: number) => `tcp:127.0.0.${host}:${port}`;
  return (["nb", "sb"] as const)
    .map((key) => {
      const port = ports[key];
      const schema = key === "nb" ? "OVN_Northbound" : "OVN_Southbound";
      const others = [1, 2, 3].filter((host) => host !== number).map((host) => of(host, port));
      const file = `${folder}/data/ovn${key}_db.db`;
      const stem = `${folder}/run/ovn${key}_db`;
      return `
if ! kill -0 "$(cat ${stem}.pid 2>/dev/null)" 2>/dev/null; then
  if [ ! -e ${file} ] && [ -n "$BEGIN" ]; then
    ovsdb-tool create-cluster ${file} /usr/share/ovn/ovn-${key}.ovsschema ${of(number, port)} 2>/dev/null || exit 1
  elif [ ! -e ${file} ]; then
    ovsdb-tool join-cluster ${file} ${schema} ${of(number, port)} ${others.join(" ")} || exit 1
  elif ovsdb-tool db-is-standalone ${file}; then
    mv ${file} ${file}.standalone && ovsdb-tool create-cluster ${file} ${file}.standalone ${of(number, port)} 2>/dev/null || exit 1
  fi
  ovsdb-server --detach --no-chdir --pidfile=${stem}.pid --unixctl=${stem}.ctl --remote=punix:${stem}.sock \\
    -vconsole:off --log-file=${folder}/${key}.log ${file} >>${folder}/ovn-northd.log 2>&1 || failed=yes
fi`;
    })
    .concat(['\n[ -z "$failed" ]'])
    .join("");
}

function stopText(folder: string, signal = "TERM"): string {
  const stems = ["nb", "sb"].map((key) => `${folder}/run/ovn${key}_db.pid`).join(" ");
  return `for f in ${stems}; do p=$(cat $f 2>/dev/null) || continue; kill -${signal} $p 2>/dev/null; while kill -0 $p 2>/dev/null; do sleep 0.02; done; rm -f $f; done`;
}

/** Starts all three; they end with the test. */
export async function startRaft(): Promise<Raft> {
  const home = tempDir("raft");
  const ports = { nb: await freePort(), sb: await freePort() };
  const hosts = [1, 2, 3].map((number): RaftHost => {
    const folder = join(home, `${number}`);
    for (const name of ["data", "run"]) mkdirSync(join(folder, name), { recursive: true });
    return {
      name: `127.0.0.${number}`,
      data: join(folder, "data"),
      run: join(folder, "run"),
      log: join(folder, "ovn-northd.log"),
      stop: stopText(folder),
      start: startText(folder, number, ports),
      file: (database) => join(folder, "data", `ovn${database}_db.db`),
      kill: () => void spawnSync("sh", ["-c", stopText(folder, "KILL")]),
    };
  });
  onTestFinished(() => hosts.forEach(({ kill }) => void kill()));
  for (const { start, name } of hosts)
    execFileSync("sh", ["-c", start], { env: { ...process.env, BEGIN: name === hosts[0]?.name ? "yes" : "" } });
  let chassis = 256;
  const sockets = (key: string) => hosts.map(({ run }) => `unix:${run}/ovn${key}_db.sock`).join(",");
  const raft: Raft = {
    home,
    hosts,
    nb: sockets("nb"),
    sb: sockets("sb"),
    fill(label, count) {
      const each = (words: (n: number) => string[]) =>
        Array.from({ length: count }, (_, n) => ["--", ...words(n)]).flat();
      call(
        "ovn-nbctl",
        `--db=${raft.nb}`,
        ...each((n) => ["ls-add", `${label}-${n}`, "--", "lsp-add", `${label}-${n}`, `${label}-port-${n}`]).slice(1),
      );
      call(
        "ovn-sbctl",
        `--db=${raft.sb}`,
        ...each((n) => ["chassis-add", `${label}-${n}`, "geneve", `192.0.${++chassis >> 8}.${chassis & 255}`]).slice(1),
      );
    },
    rows({ run } = hosts[0] as RaftHost) {
      return (["nb", "sb"] as const)
        .map((key) => {
          const schema = key === "nb" ? "OVN_Northbound" : "OVN_Southbound";
          return call(
            "ovsdb-client",
            "--timeout=10",
            "--no-leader-only",
            "dump",
            `unix:${run}/ovn${key}_db.sock`,
            schema,
          );
        })
        .join("\n");
    },
  };
  return raft;
}

/**
 * Takes the newest entry out of a raft member's file and leaves the line that says it was committed, as a disk that was
 * full or lost a write does: ovsdb-server will not start with it.
 */
export function loseRecord(path: string): void {
  const bytes = readFileSync(path);
  const records: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf("\n", at);
    const length = Number(bytes.toString("latin1", at, end).split(" ")[2]);
    records.push(bytes.subarray(at, end + 1 + length));
    at = end + 1 + length;
  }
  const last = records.findLastIndex((record) => record.includes('"eid"'));
  records.splice(last, 1);
  writeFileSync(path, Buffer.concat(records));
}

/** Changes one byte of the newest row in a file: its record's digest no longer fits. */
export function flipByte(path: string, near: string): void {
  const bytes = readFileSync(path);
  const at = bytes.lastIndexOf(near);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(path, bytes);
}
