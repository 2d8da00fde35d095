import type { CommandOutline, FlagOutline, Outline } from "./types.ts";

/** What ends a run, as the table of exit codes has it. */
export interface ExitStatus {
  readonly code: number;
  readonly meaning: string;
}

/**
 * coldkeep(1), in the man(7) language of every troff.
 * @param exits all exit codes
 */
export function manualPage({ version, commands }: Outline, exits: readonly ExitStatus[]): string {
  const [root, ...others] = commands;
  const named = others.filter(({ next }) => next.length === 0);
  return `${[
    `.TH COLDKEEP 1 "" "coldkeep ${version}" "User Commands"`,
    ".SH NAME",
    `coldkeep \\- ${text(lowered(root?.brief ?? ""))}`,
    ".SH SYNOPSIS",
    ".B coldkeep",
    ".I command",
    "[\\fIflags\\fR]",
    ".SH DESCRIPTION",
    "coldkeep stops a node, freezes its files, starts it again, and only then reads, encrypts and stores them. One command",
    "restores what is stored, checks it, and puts it in place. What each command does is below; \\fBcoldkeep\\fR",
    "\\fIcommand\\fR \\fB\\-\\-help\\fR says the same.",
    ".SH COMMANDS",
    ...named.flatMap(commandLines),
    ".SH EXIT STATUS",
    ...exits.flatMap(({ code, meaning }) => [".TP", `.B ${code}`, text(meaning)]),
    ".SH FILES",
    ".TP",
    ".I /etc/coldkeep/config.yaml",
    "The configuration, where \\fB\\-\\-config\\fR names no other. \\fBcoldkeep config schema\\fR prints its JSON Schema.",
    ".TP",
    ".I /var/lib/coldkeep",
    "State: what is known of the last snapshots, and the journals that bring a node back.",
    ".SH SEE ALSO",
    ".BR systemd.timer (5),",
    ".BR systemd.time (7)",
  ].join("\n")}\n`;
}

function commandLines(command: CommandOutline): string[] {
  const { words, brief, about, usage, examples, flags } = command;
  return [
    `.SS coldkeep ${text(words.join(" "))} ${text(usage)}`.trimEnd(),
    `${text(brief)}.`,
    ...(about === "" ? [] : [".PP", ...about.split("\n").map(text)]),
    ...flags.flatMap(flagLines),
    ...(examples.length === 0 ? [] : [".PP", "Examples:"]),
    ...examples.flatMap(([typed, does]) => [".PP", ".RS", ".nf", `coldkeep ${text(typed)}`, ".fi", text(does), ".RE"]),
  ];
}

function flagLines({ name, short, negated, brief, value }: FlagOutline): string[] {
  const names = [name, negated, short].flatMap((typed) => (typed === null ? [] : [`\\fB${text(typed)}\\fR`]));
  const taken = value === null ? "" : ` \\fI${text(value.placeholder)}\\fR`;
  return [".TP", `${names.join(", ")}${taken}`, text(brief)];
}

/** Text that troff prints as it is: dashes that can be copied, no requests. */
function text(words: string): string {
  const plain = words.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("…", "\\&...").replaceAll("`", "\\(ga");
  return /^[.']/.test(plain) ? `\\&${plain}` : plain;
}

function lowered(words: string): string {
  return words.slice(0, 1).toLowerCase() + words.slice(1);
}
