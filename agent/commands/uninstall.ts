import { existsSync } from "node:fs";
import { ColdkeepError } from "../../vault/names/index.ts";
import { installedFiles, listTimers, removeFiles, runProgram } from "../systemd/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import type { UninstallFlags } from "./uninstall.command.ts";

/** `coldkeep uninstall`. Needs no configuration: what was installed is known by its names. */
export async function run({ flags }: Call<UninstallFlags>): Promise<Answer> {
  const there = installedFiles().filter((path) => existsSync(path));
  if (flags.dryRun === true) {
    const text = there.length === 0 ? "Nothing is installed." : there.map((path) => `would remove ${path}`).join("\n");
    return { document: { dry_run: true, files: there }, text };
  }
  if (process.geteuid?.() !== 0) {
    throw new ColdkeepError("permission", { what: "only root can tell systemd", todo: "run it by sudo" });
  }
  const units = await listTimers();
  if (units.length > 0) await runProgram(["systemctl", "disable", "--now", ...units]);
  const { removed, kept } = removeFiles(there);
  await runProgram(["systemctl", "daemon-reload"]);
  return {
    document: { dry_run: false, stopped: units, removed, kept },
    text: [
      ...units.map((unit) => `stopped ${unit}`),
      ...removed.map((path) => `removed ${path}`),
      ...kept.map((path) => `kept    ${path}: somebody else wrote it`),
      "Vaults, state, configuration, keys and the user coldkeep stay.",
    ].join("\n"),
  };
}
