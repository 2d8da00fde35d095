import { httpGet } from "./http-get.ts";
import { numberIn } from "./json-field.ts";
import { type CommandLine, describeFailure, runCommand } from "./run-command.ts";
import { tcpConnect } from "./tcp-connect.ts";
import type { CallOptions, NodeProbe } from "./types.ts";

/** Asked over HTTP, where `ok` are the good statuses, or by a command that ends with 0, or by a port (`host:port`) that takes a connection. */
export type HealthConfig =
  | { readonly url: string; readonly ok: readonly number[] }
  | { readonly command: CommandLine }
  | { readonly tcp: string };

/** `field` is a path into a JSON answer, such as `block_height` or `0.height`; without it the answer is the number. */
export type HeightConfig = { readonly field?: string } & ({ readonly url: string } | { readonly command: CommandLine });

/** Bytes of a command's answer that are looked at. */
const MAX_ANSWER = 1 << 20;

/**
 * How a node is asked after; null where nothing is configured. Without a way to ask for health, an answer to the
 * question for its height is taken for health.
 */
export function makeProbe(
  config: { readonly health?: HealthConfig; readonly height?: HeightConfig } | undefined,
): NodeProbe | null {
  const { health, height } = config ?? {};
  if (health === undefined && height === undefined) return null;
  return {
    async health(options) {
      if (health !== undefined) return askHealth(health, options);
      const found = height === undefined ? null : await askHeight(height, options);
      return found === null
        ? { healthy: false, detail: "it does not tell its height" }
        : { healthy: true, detail: `it is at height ${found}` };
    },
    async heights(options) {
      const found = height === undefined ? null : await askHeight(height, options);
      return found === null ? null : { "": found };
    },
  };
}

async function askHealth(config: HealthConfig, options: CallOptions): ReturnType<NodeProbe["health"]> {
  if ("command" in config) {
    const result = await runCommand(config.command, options);
    const healthy = result.status === 0;
    return {
      healthy,
      detail: healthy ? "its health command ends with 0" : `health command: ${describeFailure(result)}`,
    };
  }
  if ("tcp" in config) return tcpConnect(config.tcp, options);
  const answer = await httpGet(config.url, options);
  if ("trouble" in answer) return { healthy: false, detail: `${config.url}: ${answer.trouble}` };
  const healthy = config.ok.includes(answer.status);
  const allowed = healthy ? "" : `, expected is ${config.ok.join(" or ")}`;
  return { healthy, detail: `${config.url} answers ${answer.status}${allowed}` };
}

/** The status does not matter: a node that is not in service yet tells its height with a 503. */
async function askHeight(config: HeightConfig, options: CallOptions): Promise<number | null> {
  if ("command" in config) {
    const { status, stdout } = await runCommand(config.command, { ...options, maxOutput: MAX_ANSWER });
    return status === 0 ? numberIn(stdout, config.field) : null;
  }
  const answer = await httpGet(config.url, options);
  return "trouble" in answer ? null : numberIn(answer.body, config.field);
}
