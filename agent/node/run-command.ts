import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync, unlinkSync } from "node:fs";
import { getPriority, setPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../vault/names/index.ts";
import { redact } from "./redact.ts";

/** One command: a text for /bin/sh, or the words of a program to run without a shell. */
export type CommandLine = string | readonly string[];

export interface RunOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** The most bytes of standard output to hand back, from its end. Default: 4 KiB. */
  readonly maxOutput?: number;
  /** Descriptors of files that it reads and writes; default: it reads nothing, and its output is handed back. */
  readonly stdin?: number;
  readonly stdout?: number;
  /** What it leaves running is the node, which is not to go on as nice as coldkeep may be. */
  readonly startsNode?: boolean;
}

/** How a command ended. */
export interface CommandResult {
  /** Its exit status; null where it was killed or could not be run. */
  readonly status: number | null;
  /** How it ended where `status` is null or not 0, in words. */
  readonly ending: string;
  /** True where its time limit or the caller's signal cut it off. */
  readonly cutOff: boolean;
  readonly stdout: string;
  /** The last lines of what it printed on either stream, secrets blanked out; for messages. */
  readonly tail: string;
}

const TAIL_BYTES = 4096;

/**
 * Runs a command in a process group of its own and waits for the command itself, not for what it left running: a start
 * command may leave a daemon that keeps its output open. For that reason output goes to nameless temporary files and
 * not to pipes, whose closing would kill such a daemon at its next line. At the time limit, or when the caller gives up,
 * the whole group is killed. Never throws; without `stdin` the command reads nothing (/dev/null).
 */
export async function runCommand(line: CommandLine, options: RunOptions): Promise<CommandResult> {
  const { timeoutMs, signal, maxOutput = TAIL_BYTES } = options;
  if (signal?.aborted === true) return { status: null, ending: "it was not begun", cutOff: true, stdout: "", tail: "" };
  const [file, ...words] = typeof line === "string" ? ["/bin/sh", "-c", line] : line;
  let out: number;
  let err: number;
  try {
    out = openNameless();
    err = openNameless();
  } catch (error) {
    return {
      status: null,
      ending: `no place for its output: ${messageOf(error)}`,
      cutOff: false,
      stdout: "",
      tail: "",
    };
  }
  try {
    const ended = await new Promise<Pick<CommandResult, "status" | "ending" | "cutOff">>((resolve) => {
      const begin = () =>
        spawn(file ?? "", words, {
          detached: true,
          stdio: [options.stdin ?? "ignore", options.stdout ?? out, err],
        });
      const child = options.startsNode === true ? asNiceAsNone(begin) : begin();
      let cut: string | null = null;
      const cutOff = (why: string) => {
        cut ??= why;
        killGroup(child);
      };
      const timer = setTimeout(() => cutOff(`it was not done within ${timeoutMs / 1000} s and was killed`), timeoutMs);
      const onAbort = () => cutOff("it was cut off and killed");
      signal?.addEventListener("abort", onAbort, { once: true });
      const finish = (status: number | null, ending: string) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        resolve({ status: cut === null ? status : null, ending: cut ?? ending, cutOff: cut !== null });
      };
      child.once("error", (error) => finish(null, `it could not be run: ${messageOf(error)}`));
      child.once("exit", (status, killer) =>
        finish(status, status === null ? `it was killed by ${killer}` : `it ended with status ${status}`),
      );
    });
    const stdout = readEnd(out, maxOutput);
    const tail = redact(`${readEnd(out, TAIL_BYTES)}\n${readEnd(err, TAIL_BYTES)}`.trim().slice(-TAIL_BYTES));
    return { ...ended, stdout, tail };
  } finally {
    closeSync(out);
    closeSync(err);
  }
}

/** A result that is not as hoped, in words for a message: how it ended and what it printed last. */
export function describeFailure({ ending, tail }: CommandResult): string {
  return tail === "" ? ending : `${ending}; it printed: ${JSON.stringify(tail)}`;
}

/** The command as it is said to people. */
export function showCommand(line: CommandLine): string {
  return redact(typeof line === "string" ? line : line.join(" "));
}

/**
 * Begins something at niceness 0, where this process may: a child has that of the thread that begins it. Whoever is not
 * root and runs coldkeep by nice(1) gets a node that is nice as well.
 */
function asNiceAsNone<T>(begin: () => T): T {
  const own = getPriority();
  if (own <= 0) return begin();
  try {
    setPriority(0);
  } catch {
    return begin();
  }
  try {
    return begin();
  } finally {
    setPriority(own);
  }
}

/** Its own process group's id is the child's pid (setpgid(2)), so nothing else can be hit. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It ended by itself just now.
  }
}

/** A file without a name that goes with its last holder. */
function openNameless(): number {
  const path = join(tmpdir(), `.coldkeep-output-${randomBytes(8).toString("hex")}`);
  const { O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const fd = openSync(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  unlinkSync(path);
  return fd;
}

function readEnd(fd: number, max: number): string {
  const { size } = fstatSync(fd);
  const buffer = Buffer.alloc(Math.min(size, max));
  const got = readSync(fd, buffer, 0, buffer.length, size - buffer.length);
  return buffer.toString("utf8", 0, got);
}
