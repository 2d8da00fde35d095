import { messageOf } from "../../vault/names/index.ts";
import { feed } from "./program.ts";
import { renderMail, renderWebhook } from "./render.ts";
import type { ChannelSettings, DeliveryContext, Notice } from "./types.ts";
import { placeOf, post, readUrl } from "./webhook.ts";

/** Milliseconds before each further attempt. */
const AGAIN_AFTER = [500, 2_000];

/**
 * Tells all channels that want to hear of it, side by side. One that fails is asked again twice, and harms no other.
 * @returns in words which could not be told
 */
export async function deliver(
  notice: Notice,
  channels: readonly ChannelSettings[],
  context: DeliveryContext,
): Promise<string[]> {
  const wanted = channels.filter(({ on }) => on === undefined || on.includes(notice.event));
  const answers = await Promise.all(wanted.map((channel) => insist(channel, notice, context)));
  return answers.filter((answer) => answer !== null);
}

async function insist(channel: ChannelSettings, notice: Notice, context: DeliveryContext): Promise<string | null> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await send(channel, notice, context);
      return null;
    } catch (error) {
      const pause = AGAIN_AFTER[attempt];
      if (pause === undefined || context.signal.aborted) return `${nameOf(channel)} was not told: ${messageOf(error)}`;
      await context.wait(pause);
    }
  }
}

async function send(channel: ChannelSettings, notice: Notice, context: DeliveryContext): Promise<void> {
  const { signal } = context;
  if ("webhook" in channel) return post(channel.webhook, channel.form, notice, context);
  if ("webhookFile" in channel) return post(readUrl(channel.webhookFile), channel.form, notice, context);
  if ("email" in channel) {
    return feed([channel.sendmail, "-t", "-i"], renderMail(notice, channel.email, channel.from), signal);
  }
  if ("sns" in channel) return (await import("./sns.ts")).publish(channel.sns, notice, signal);
  return feed(channel.command, `${renderWebhook(notice, "json")}\n`, signal);
}

/** What a channel is called in messages: without what is secret in it. */
function nameOf(channel: ChannelSettings): string {
  if ("webhook" in channel) return `the webhook at ${placeOf(channel.webhook)}`;
  if ("webhookFile" in channel) return `the webhook of ${channel.webhookFile}`;
  if ("email" in channel) return channel.email.join(", ");
  return "sns" in channel ? channel.sns : "the command of `notify`";
}
