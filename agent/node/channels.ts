import type { Heights } from "../../vault/card/types.ts";
import { httpGet } from "./http-get.ts";
import { numberIn, valueIn } from "./json-field.ts";
import type { CallOptions } from "./types.ts";

/**
 * Several heights in one answer, by channel: samples of a Prometheus metric, by the label `by`; or the list at the path
 * `list` of a JSON answer (empty: the answer itself), whose entries have their channel's name at `by` and its height at
 * `field`, with `follow` in the answer of the URL that they have there.
 */
export type ChannelConfig =
  | { readonly metric: string; readonly by: string }
  | { readonly list: string; readonly by: string; readonly field: string; readonly follow?: string };

/** A card names no more, and no longer ones. */
const MOST_CHANNELS = 1_000;
const LONGEST_NAME = 255;

/** Heights by channel; null where the answer is of another form, or one of them cannot be told. */
export async function heightsIn(
  answer: string,
  url: string | undefined,
  config: ChannelConfig,
  options: CallOptions,
): Promise<Heights | null> {
  const pairs = "metric" in config ? samples(answer, config) : await entries(answer, url, config, options);
  if (pairs === null || pairs.length > MOST_CHANNELS) return null;
  if (pairs.some(([channel, height]) => height === null || channel.length > LONGEST_NAME)) return null;
  return Object.fromEntries(pairs) as Heights;
}

type Pairs = readonly (readonly [channel: string, height: number | null])[];

/** The text format of Prometheus (exposition_formats): `name{label="value",…} number [time]`. */
function samples(answer: string, { metric, by }: { readonly metric: string; readonly by: string }): Pairs | null {
  const label = new RegExp(`[{,]\\s*${by}="((?:[^"\\\\]|\\\\.)*)"`);
  const pairs = answer.split("\n").flatMap((line): Pairs => {
    if (!line.startsWith(`${metric}{`)) return [];
    const [, value] = /\}\s+(\S+)(?:\s+-?\d+)?\s*$/.exec(line) ?? [];
    const channel = label.exec(line)?.[1];
    if (value === undefined || channel === undefined) return [];
    const height = Number(value);
    return [[channel.replace(/\\(.)/g, "$1"), Number.isSafeInteger(height) && height >= 0 ? height : null]];
  });
  // A page of metrics without this one is of a node that has no channel; anything else is no page of metrics.
  return pairs.length > 0 || /^# (?:HELP|TYPE) /m.test(answer) ? pairs : null;
}

async function entries(
  answer: string,
  url: string | undefined,
  config: Extract<ChannelConfig, { readonly list: string }>,
  options: CallOptions,
): Promise<Pairs | null> {
  const list = valueIn(answer, config.list);
  if (list === null) return [];
  if (!Array.isArray(list) || list.length > MOST_CHANNELS) return null;
  const pairs: [string, number | null][] = [];
  for (const entry of list) {
    const text = JSON.stringify(entry);
    const channel = valueIn(text, config.by);
    if (typeof channel !== "string") return null;
    const own = config.follow === undefined ? text : await follow(valueIn(text, config.follow), url, options);
    pairs.push([channel, own === null ? null : numberIn(own, config.field)]);
  }
  return pairs;
}

/** Only to where the list came from. */
async function follow(to: unknown, from: string | undefined, options: CallOptions): Promise<string | null> {
  if (typeof to !== "string" || from === undefined || !URL.canParse(to, from)) return null;
  const url = new URL(to, from);
  if (url.origin !== new URL(from).origin) return null;
  const answer = await httpGet(url.href, options);
  return "trouble" in answer ? null : answer.body;
}
