import type { ChannelSettings } from "../notify/types.ts";
import type { WrittenConfig } from "./schema.ts";

/** Who is told, of a file that follows the schema. */
export function notifyOf({ notify }: Pick<WrittenConfig, "notify">): { readonly notify?: readonly ChannelSettings[] } {
  return notify === undefined ? {} : { notify: notify.map(channelOf) };
}

function channelOf({ on, ...channel }: NonNullable<WrittenConfig["notify"]>[number]): ChannelSettings {
  const wanted = on === undefined ? {} : { on };
  if ("webhook_file" in channel) return { webhookFile: channel.webhook_file, form: channel.form, ...wanted };
  if ("email" in channel) {
    const { email, from, sendmail } = channel;
    return { email, sendmail, ...(from === undefined ? {} : { from }), ...wanted };
  }
  return { ...channel, ...wanted };
}
