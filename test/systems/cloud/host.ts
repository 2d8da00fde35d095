import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../posix/clock.ts";
import { type Ran, runHere } from "../../cli/run.ts";

export interface HostPlace {
  /** Holds the node's files, the config, state and key. */
  readonly folder: string;
  readonly endpoint: string;
  /** `s3://bucket/prefix`. */
  readonly vault: string;
  readonly node: string;
}

/** A host with one small node, driven by the command line. */
export interface Host {
  /** The node's one large file. */
  readonly file: string;
  readonly config: string;
  readonly keyFile: string;
  /** Runs a command in this process, and reads its answer. @throws Error where it does not end with 0. */
  run<T>(...words: string[]): Promise<T>;
  /** The same at another time. */
  runAt<T>(now: () => number, ...words: string[]): Promise<T>;
  /** Runs a command, however it ends. */
  attempt(...words: string[]): Promise<Ran>;
  /** From here on the host lists nothing itself. */
  putOnly(): void;
}

/** Makes the files of a host; `init` is its first command. */
export function makeHost({ folder, endpoint, vault, node }: HostPlace): Host & { init(): Promise<unknown> } {
  const data = join(folder, "data");
  const file = join(data, "large");
  const up = join(folder, "up");
  const config = join(folder, "config.yaml");
  const keyFile = join(folder, "key");
  mkdirSync(data, { recursive: true });
  writeFileSync(file, randomBytes(3_000_000));
  writeFileSync(up, "");
  const attemptAt = (now: () => number, ...words: string[]) =>
    runHere([...words, "--json", "--config", config], { clock: { ...systemClock, now } });
  const runAt = async <T>(now: () => number, ...words: string[]): Promise<T> => {
    const { code, stdout, stderr } = await attemptAt(now, ...words);
    if (code !== 0) throw new Error(`coldkeep ${words.join(" ")} ended with ${code}: ${stderr}${stdout}`);
    return JSON.parse(stdout) as T;
  };
  const run = <T>(...words: string[]) => runAt<T>(systemClock.now, ...words);
  return {
    file,
    config,
    keyFile,
    attempt: (...words) => attemptAt(systemClock.now, ...words),
    run,
    runAt,
    init: () =>
      run(
        ...["init", "--vault", vault, "--endpoint", endpoint, "--region", "us-east-1"],
        ...["--state-dir", join(folder, "state"), "--key-file", keyFile, "--node", node],
        ...["--profile", "files", "--root", `data=${data}`],
        ...["--stop", `rm -f ${up}`, "--start", `touch ${up}`, "--is-running", `test -e ${up}`],
      ),
    putOnly: () => {
      const text = readFileSync(config, "utf8");
      const changed = text.replace(/^( *)region:.*$/m, (line, indent) => `${line}\n${indent}put_only: true`);
      if (changed === text) throw new Error("the config names no region");
      writeFileSync(config, changed);
    },
  };
}
