import { type Application, type CommandContext, generateHelpTextForAllCommands } from "@stricli/core";
import { buildApp } from "../../agent/commands/app.ts";
import { EXIT_CODES } from "../../agent/exit-codes.ts";

// Help never runs a command, so it needs none of what our commands are given.
const app = (await buildApp(() => {})) as unknown as Application<CommandContext>;

/** docs/CLI.md, from the command line's own help and the table of exit codes. */
export function renderCliDoc(): string {
  const commands = generateHelpTextForAllCommands(app);
  const codes = Object.entries(EXIT_CODES).map(([kind, { code, meaning }]) => `| ${code} | \`${kind}\` | ${meaning} |`);
  return `# Command line

Made from the program's own help and its table of exit codes by \`npx vitest run test/cli/cli-doc.test.ts -u\`; a test fails
where it is stale.

Global flags (\`--config\`, \`--node\`, \`--vault\`, \`--json\`, \`--log-format\`, \`-v\`) may stand before or after the command. With \`--json\`
exactly one JSON document is printed on stdout, progress is silent, and an error is one JSON line on stderr:
\`{"error":{"kind":…,"message":…,"exit_code":…,"what":…,"on":…,"why":…,"todo":…}}\`. \`verify\` and \`doctor\` print their
answer and, where something is wrong, the error as well. Without \`--json\`, results go to stdout and everything else to
stderr: a redrawn line on a terminal, one line an event elsewhere (\`--log-format json\` for machines). Colours follow the
terminal and \`NO_COLOR\`.

\`SIGINT\`, \`SIGTERM\` and \`SIGHUP\` end a run early: the node is brought back first, nothing half-done stays visible, and the
exit code is ${EXIT_CODES.interrupted.code}. A second signal changes nothing.

## Exit codes

| code | kind | meaning |
| ---: | --- | --- |
${codes.join("\n")}

Any other code is a failure, too.

## Commands
${commands.map(([route, help]) => `\n### ${route}\n\n\`\`\`\n${help.trimEnd()}\n\`\`\`\n`).join("")}`;
}
