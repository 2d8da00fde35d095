import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Io } from "../../agent/commands/io.ts";
import { initNodeState } from "../../agent/state/index.ts";
import { systemClock } from "../../posix/clock.ts";
import { toNodeName } from "../../vault/names/index.ts";
import { type Ran, runHere } from "./run.ts";

/** A small host with a node that shell words start and stop: quick, and enough for whatever needs no real database. */
export interface Host {
  readonly home: string;
  readonly node: string;
  readonly data: string;
  readonly config: string;
  readonly key: string;
  readonly vault: string;
  /** Runs `coldkeep <words…> --config …` in this process, by the machine's clock. */
  run(words: readonly string[], change?: Partial<Io>): Promise<Ran>;
  /** Runs it with --json. @throws Error where it does not end with 0. */
  json<T>(...words: string[]): Promise<T>;
  /** Runs it with --json where it must fail, and gives its one error. */
  failure(...words: string[]): Promise<Failure>;
  /** The configuration with something replaced. */
  change(from: string | RegExp, to: string | ((found: string) => string)): void;
  /** Whether the node was left running. */
  isUp(): boolean;
}

export interface Failure {
  readonly kind: string;
  readonly message: string;
  readonly exit_code: number;
  readonly on?: string;
  readonly todo?: string;
}

/** Bytes of the node's one large file: frozen by itself, where small ones share a file. */
export const LARGE = 300_000;

/** The host that lives, or will live, in `home`. */
function hostIn(home: string, node: string): Host {
  const config = join(home, "config.yaml");
  const up = join(home, "up");
  const host: Host = {
    home,
    node,
    data: join(home, "data"),
    config,
    key: join(home, "coldkeep.key"),
    vault: join(home, "vault"),
    run: (words, change) => runHere([...words, "--config", config], { clock: systemClock, ...change }),
    async json<T>(...words: string[]) {
      const { code, stdout, stderr } = await host.run([...words, "--json"]);
      if (code !== 0) throw new Error(`coldkeep ${words.join(" ")} ended with ${code}: ${stderr}${stdout}`);
      return JSON.parse(stdout) as T;
    },
    async failure(...words) {
      const { code, stdout, stderr } = await host.run([...words, "--json"]);
      expect(stdout, "nothing is printed for a program to mistake").toBe("");
      const { error } = JSON.parse(stderr) as { error: Failure };
      expect(error.exit_code).toBe(code);
      return error;
    },
    change(from, to) {
      const text = readFileSync(config, "utf8");
      const changed = typeof to === "string" ? text.replace(from, to) : text.replace(from, to);
      expect(changed).not.toBe(text);
      writeFileSync(config, changed);
    },
    isUp: () => existsSync(up),
  };
  return host;
}

export interface HostOptions {
  /** The node's name. Default "demo". */
  readonly node?: string;
  /** What it answers when it is asked for its height; default: nobody asks. */
  readonly height?: number;
}

/** Sets coldkeep up in `home` for a node of a few files. */
export async function makeHost(home: string, { node = "demo", height }: HostOptions = {}): Promise<Host> {
  const host = hostIn(home, node);
  const up = join(home, "up");
  mkdirSync(host.data);
  writeFileSync(join(host.data, "small"), "hello\n");
  writeFileSync(join(host.data, "large"), randomBytes(LARGE));
  writeFileSync(up, "");
  const { code, stderr } = await host.run([
    ...["init", "--state-dir", join(home, "state"), "--vault", host.vault, "--key-file", host.key],
    ...["--node", node, "--profile", "files", "--root", `data=${host.data}`],
    ...["--stop", `rm -f ${up}`, "--start", `touch ${up}`, "--is-running", `test -e ${up}`],
  ]);
  if (code !== 0) throw new Error(`coldkeep init ended with ${code}: ${stderr}`);
  if (height !== undefined) host.change(/^( +)when_down:/m, `$1height: { command: echo ${height} }\n$&`);
  stretchQuickly(host);
  return host;
}

/** The least stretching a reader takes: these tests are not about its cost. */
const QUICK = { kdf: "scrypt", salt: Buffer.alloc(32, 1).toString("base64url"), n: 2 ** 14, r: 8, p: 1 } as const;

function stretchQuickly(host: Host): void {
  initNodeState(join(host.home, "state"), toNodeName(host.node)).state.stretch(host.key, "aes-256-gcm", () => QUICK);
}

/** The same host in another folder, with times kept: those of a vault's files are its receipts. */
export function copyOf(host: Host, home: string): Host {
  execFileSync("cp", ["-a", "--reflink=auto", `${host.home}/.`, home]);
  const copy = hostIn(home, host.node);
  copy.change(new RegExp(host.home, "g"), home);
  stretchQuickly(copy);
  return copy;
}
