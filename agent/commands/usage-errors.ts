import {
  type ApplicationErrorFormatting,
  ArgumentScannerError,
  formatMessageForArgumentScannerError,
} from "@stricli/core";
import { ColdkeepError, isColdkeepError, messageOf } from "../../vault/names/index.ts";
import { kebab } from "./kebab.ts";

/** What the parser has to say, as errors of our own; `tell` keeps the one that ended the run. */
export function usageErrors(tell: (error: unknown) => void): ApplicationErrorFormatting {
  const silently = (error: unknown) => {
    tell(error);
    return "";
  };
  return {
    noCommandRegisteredForInput: ({ input, corrections }) =>
      silently(
        input.startsWith("-")
          ? usage(
              `a command is expected, found ${input}`,
              "`coldkeep --help` lists them; only --config, --node, --vault, --json, --log-format and -v may stand before one",
            )
          : usage(
              `there is no command ${JSON.stringify(input)}`,
              didYouMean(corrections, "`coldkeep --help` lists them"),
            ),
      ),
    exceptionWhileParsingArguments: (error) => silently(parsingError(error)),
    exceptionWhileLoadingCommandFunction: silently,
    exceptionWhileLoadingCommandContext: silently,
    exceptionWhileRunningCommand: silently,
    commandErrorResult: silently,
    noTextAvailableForLocale: () => "",
    exceptionWhileRunningIntegrationHook: ({ exception }) => silently(exception),
    exceptionWhileRunningIntegrationFlag: ({ exception }) => silently(exception),
  };
}

function parsingError(error: unknown): unknown {
  if (!(error instanceof ArgumentScannerError)) return error;
  const message = formatMessageForArgumentScannerError(error, {
    // The parser suggests flags by their names in the code.
    FlagNotFoundError: ({ input, corrections }) => `there is no flag --${input}${orMean(corrections.map(kebab))}`,
    AliasNotFoundError: ({ input }) => `there is no flag -${input}`,
    ArgumentParseError: ({ externalFlagNameOrPlaceholder: name, input, exception }) =>
      `${name === "id" ? "id" : `--${name}`} ${JSON.stringify(input)}: ${isColdkeepError(exception) ? exception.message : messageOf(exception)}`,
    EnumValidationError: ({ externalFlagName, input, values }) =>
      `--${externalFlagName} ${JSON.stringify(input)}: allowed are ${values.join(", ")}`,
    UnexpectedPositionalError: ({ input, expectedCount }) =>
      `${JSON.stringify(input)} is one argument too many; ${expectedCount === 0 ? "none is expected, a node is named by --node" : `${expectedCount} at most expected`}`,
    UnsatisfiedFlagError: ({ externalFlagName }) => `no value is given for --${externalFlagName}`,
    UnsatisfiedPositionalError: ({ placeholder }) => `<${placeholder}> is missing`,
  });
  return usage(message, "`coldkeep <command> --help` shows what there is");
}

function usage(what: string, todo: string): ColdkeepError {
  return new ColdkeepError("usage", { what, todo });
}

function didYouMean(corrections: readonly string[], otherwise: string): string {
  return corrections.length === 0 ? otherwise : `did you mean ${corrections.join(" or ")}?`;
}

function orMean(corrections: readonly string[]): string {
  return corrections.length === 0 ? "" : `, did you mean --${corrections.join(" or --")}?`;
}
