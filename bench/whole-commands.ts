import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { measure } from "./peers/measure.ts";

/** The built command, or what COLDKEEP names. */
const COLDKEEP = process.env.COLDKEEP ?? fileURLToPath(new URL("../dist/coldkeep.mjs", import.meta.url));

/**
 * Runs one command by the configuration in `home` and prints seconds, the processor's seconds, the peak in MiB and, where it
 * tells, what coldkeep added to the outage. BENCH_PREFIX goes before it, such as `nice`.
 */
export async function say(home: string, label: string, words: string): Promise<void> {
  const prefix = process.env.BENCH_PREFIX ?? "exec";
  const command = `${prefix} ${process.execPath} ${COLDKEEP} ${words} --config ${join(home, "config.yaml")}`;
  const { wall, cpu, rss, status, said } = await measure(command, process.env);
  const figures = `${wall.toFixed(1).padStart(7)} s ${cpu.toFixed(1).padStart(7)} s CPU ${(rss / 2 ** 20).toFixed(0).padStart(5)} MiB`;
  const own = /"freezeMs":\s*([\d.]+)/.exec(said)?.[1];
  const freeze = own === undefined ? "" : `   outage, its own part: ${Number(own).toFixed(0)} ms`;
  console.log(`${label.padEnd(20)} ${figures}${freeze}${status === 0 ? "" : `   FAILED (${status}): ${said}`}`);
}

/** A configuration of one node that a file in `home`, `running`, says of whether it runs. */
export function configOf(
  home: string,
  { node, data, immutable }: { readonly node: string; readonly data: string; readonly immutable: string },
): string {
  const running = join(home, "running");
  return [
    "version: 1",
    "vault_id: v5J2BYLFz3BLk1mC9U6Rig",
    `vault: file://${join(home, "vault")}`,
    `state_dir: ${join(home, "state")}`,
    `encrypt_key: ${join(home, "key")}`,
    "nodes:",
    `  ${node}:`,
    "    profile: files",
    `    roots: { data: ${data} }`,
    `    immutable: ['${immutable}']`,
    `    service: { manager: command, stop: 'rm ${running}', start: 'touch ${running}', is_running: 'test -e ${running}' }`,
    "",
  ].join("\n");
}
