import { run, type StricliDynamicCommandContext } from "@stricli/core";
import { ColdkeepError, isColdkeepError, messageOf, redactTokens } from "../../vault/names/index.ts";
import { exitCodeOf } from "../exit-codes.ts";
import {
  type DayLog,
  failureDocument,
  failureText,
  keptProgress,
  logProgress,
  openDayLog,
  type Report,
  stylesFor,
  terminalProgress,
} from "../report/index.ts";
import type { Answer } from "./answer.ts";
import { buildApp } from "./app.ts";
import type { CliContext } from "./define.ts";
import { type GlobalFlags, hoistGlobals, wantsJson, wantsVerbose } from "./globals.ts";
import type { Io } from "./io.ts";
import { outlineCli } from "./outline.ts";
import { warningsOf } from "./warnings.ts";

/**
 * Runs one command line and says everything there is to say. Never throws.
 * @param argv the words after `coldkeep`
 * @returns the exit code
 */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const words = asHelp(hoistGlobals(argv));
  const failures: unknown[] = [];
  const app = await buildApp((error) => failures.push(error), words[0]);
  const context: StricliDynamicCommandContext<CliContext> = {
    process: {
      stdout: { write: (text) => void io.stdout.write(text) },
      // All that the parser writes here are errors, which are kept and told below in one form.
      stderr: { write() {} },
      env: { ...io.env, STRICLI_NO_COLOR: "1" },
    },
    perform: async (flags, work) => {
      const shown = reportFor(flags, io);
      const log = dayLogFor(flags, io, shown);
      const progress = log === null ? shown : log.beside(shown);
      const name = words.slice(0, 2).filter((word) => /^[a-z-]+$/.test(word) && !word.startsWith("-"));
      log?.say("info", `coldkeep ${name.join(" ")}: begins`);
      const stopping = () =>
        progress.warn(`${messageOf(io.signal.reason)}: stopping; a node that is down is brought back first`);
      io.signal.addEventListener("abort", stopping);
      try {
        const answer = await work({
          flags,
          io,
          progress,
          outline: async () => outlineCli((await buildApp(() => {})).root),
        });
        progress.close();
        tell(answer, flags, progress, io);
        if (answer.failure !== undefined) failures.push(answer.failure);
        log?.say(answer.failure === undefined ? "info" : "error", endWords(name, answer.failure));
      } catch (error) {
        progress.close(true);
        log?.say("error", endWords(name, error));
        failures.push(error);
      } finally {
        io.signal.removeEventListener("abort", stopping);
      }
    },
  };
  await run(app, words, context);
  if (failures.length === 0) return 0;
  return tellFailure(interrupted(failures[0], io.signal), argv, io);
}

/** Says on stderr what went wrong, as the command line wants it. @returns its exit code */
export function tellFailure(failure: unknown, argv: readonly string[], io: Io): number {
  const code = exitCodeOf(failure);
  const json = wantsJson(argv);
  const verbose = wantsVerbose(argv);
  io.stderr.write(
    json
      ? `${redactTokens(JSON.stringify(failureDocument(failure, code, verbose)))}\n`
      : `${failureText(failure, { verbose, styles: stylesFor(io.stderr, io.env) })}\n`,
  );
  return code;
}

/** `coldkeep help restore` is what many type first. */
function asHelp(words: readonly string[]): readonly string[] {
  return words[0] === "help" ? [...words.slice(1), "--help"] : words;
}

function reportFor(flags: GlobalFlags, io: Io): Report {
  if (flags.json === true) return keptProgress();
  if (flags.logFormat === undefined && io.stderr.isTTY === true) {
    return terminalProgress(io.stderr, io.clock, stylesFor(io.stderr, io.env));
  }
  return logProgress(io.stderr, io.clock, flags.logFormat ?? "text");
}

function dayLogFor({ logDir, logFormat = "text" }: GlobalFlags, io: Io, shown: Report): DayLog | null {
  if (logDir === undefined) return null;
  return openDayLog({ folder: logDir, clock: io.clock, format: logFormat, lost: (words) => shown.warn(words) });
}

function endWords(name: readonly string[], failure: unknown): string {
  const words = `coldkeep ${name.join(" ")}`;
  return failure === undefined ? `${words}: done` : `${words}: exit code ${exitCodeOf(failure)}: ${messageOf(failure)}`;
}

function tell(answer: Answer, flags: GlobalFlags, progress: Report, io: Io): void {
  const { document, text } = answer;
  if (flags.json !== true) {
    if (text !== "") io.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
    return;
  }
  if (!("document" in answer)) return;
  const warnings = warningsOf(progress);
  const whole = isPlainObject(document) && warnings.length > 0 ? { ...document, warnings } : document;
  io.stdout.write(`${JSON.stringify(whole, null, 2)}\n`);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a signal cut off ends in errors of many names; what coldkeep found out itself goes first. */
function interrupted(error: unknown, signal: AbortSignal): unknown {
  if (!signal.aborted || isColdkeepError(error)) return error;
  return new ColdkeepError("interrupted", {
    what: "interrupted",
    why: `${messageOf(signal.reason)} asked to stop`,
    todo: "run the command again when it suits",
    cause: error,
  });
}
