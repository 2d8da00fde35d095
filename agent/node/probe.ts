import type { Heights } from "../../vault/card/types.ts";
import { type ChannelConfig, heightsIn } from "./channels.ts";
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

/**
 * `field` is a path into a JSON answer, such as `block_height` or `0.height`; without it the answer is the number.
 * `channels`: the answer tells several, by channel.
 */
export type HeightConfig = { readonly field?: string; readonly channels?: ChannelConfig } & (
  | { readonly url: string }
  | { readonly command: CommandLine }
);

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
      const found = height === undefined ? null : await askHeights(height, options);
      return found === null
        ? { healthy: false, detail: "it does not tell its height" }
        : { healthy: true, detail: words(found) };
    },
    heights: async (options) => (height === undefined ? null : askHeights(height, options)),
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

async function askHeights(config: HeightConfig, options: CallOptions): Promise<Heights | null> {
  const answer = await askFor(config, options);
  if (answer === null) return null;
  if (config.channels !== undefined)
    return heightsIn(answer, "url" in config ? config.url : undefined, config.channels, options);
  const found = numberIn(answer, config.field);
  return found === null ? null : { "": found };
}

/** The status does not matter: a node that is not in service yet tells its height with a 503. */
async function askFor(config: HeightConfig, options: CallOptions): Promise<string | null> {
  if ("command" in config) {
    const { status, stdout } = await runCommand(config.command, { ...options, maxOutput: MAX_ANSWER });
    return status === 0 ? stdout : null;
  }
  const answer = await httpGet(config.url, options);
  return "trouble" in answer ? null : answer.body;
}

function words(heights: Heights): string {
  const all = Object.entries(heights).map(([channel, height]) => (channel === "" ? height : `${channel} ${height}`));
  return all.length === 0 ? "it has no channel yet" : `it is at height ${all.join(", ")}`;
}
