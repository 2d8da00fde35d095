import { isColdkeepError, messageOf, safe } from "../../vault/names/index.ts";
import type { Styles } from "./terminal.ts";

/** An error as people read it: what failed and why, then what to do now on a line of its own. */
export function failureText(error: unknown, { verbose, styles }: { verbose: boolean; styles: Styles }): string {
  const mark = styles.bad("coldkeep:");
  if (!isColdkeepError(error)) {
    const detail = verbose && error instanceof Error && error.stack !== undefined ? error.stack : messageOf(error);
    const more = verbose ? "" : " With -v it shows where.";
    return `${mark} internal error: ${safe(detail)}\nThis is a defect in coldkeep. Please report it with what you did.${more}`;
  }
  const { what, on, why, todo } = error;
  const head = [what, on, why].filter((part) => part !== undefined && part !== "").join(": ");
  const lines = [`${mark} ${safe(head.replace(/: \n/, ":\n"))}`];
  if (todo !== undefined) lines.push(safe(sentence(todo)));
  if (verbose && error.cause !== undefined) lines.push(safe(`cause: ${messageOf(error.cause)}`));
  return lines.join("\n");
}

/** The same for programs. */
export interface FailureDocument {
  readonly error: {
    readonly kind: string;
    readonly message: string;
    readonly exit_code: number;
    readonly what?: string;
    readonly on?: string;
    readonly why?: string;
    readonly todo?: string;
    readonly stack?: string;
  };
}

export function failureDocument(error: unknown, exitCode: number, verbose: boolean): FailureDocument {
  if (!isColdkeepError(error)) {
    const stack = verbose && error instanceof Error ? error.stack : undefined;
    return {
      error: {
        kind: "internal",
        message: messageOf(error),
        exit_code: exitCode,
        ...(stack === undefined ? {} : { stack }),
      },
    };
  }
  const { kind, message, what, on, why, todo } = error;
  return {
    error: {
      kind,
      message,
      exit_code: exitCode,
      what,
      ...(on === undefined ? {} : { on }),
      ...(why === undefined ? {} : { why }),
      ...(todo === undefined ? {} : { todo }),
    },
  };
}

function sentence(text: string): string {
  const begun = /^[a-z]+(?![-\w./])/.test(text) ? text[0]?.toUpperCase() + text.slice(1) : text;
  return /[.!?:)]$/.test(begun) ? begun : `${begun}.`;
}
