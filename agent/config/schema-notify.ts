import * as z from "zod";
import { absolute, command, object, oneOf, text, url } from "./schema-parts.ts";

const EVENTS = ["failure", "recovery", "alarm", "all-clear"] as const;

const on = z
  .array(z.enum(EVENTS, { error: EVENTS.join(", ") }), { error: `a list of ${EVENTS.join(", ")}` })
  .min(1, { error: `a list of ${EVENTS.join(", ")}` })
  .optional()
  .meta({ description: "of what it is told; default: of all" });

const form = oneOf(["json", "slack", "teams"], "what the other side reads").default("json");
const address = text("an address such as ops@example.org", /^[^\s@<>,;:"]+@[^\s@<>,;:"]+$/, "an address");

const CHANNELS = "a mapping with webhook, webhook_file, email, sns or command";

/** Who is told, and how. */
export const notify = z
  .array(
    z.union(
      [
        object({ webhook: url("gets a POST"), form, on }, "a webhook; whoever knows its URL may write there"),
        object(
          { webhook_file: absolute("a file that holds the URL, for those that are secrets"), form, on },
          "a webhook whose URL is in a file",
        ),
        object(
          {
            email: z.array(address, { error: "a list of addresses" }).min(1, { error: "a list of addresses" }),
            from: address.optional(),
            sendmail: absolute("what sends it").default("/usr/sbin/sendmail"),
            on,
          },
          "mail by sendmail",
        ),
        object(
          { sns: text("the ARN of a topic", /^arn:[\w-]+:sns:[a-z0-9-]+:\d{12}:[\w.-]+$/, "a topic of SNS"), on },
          "SNS",
        ),
        object({ command: command("reads the notice as one line of JSON"), on }, "a command"),
      ],
      { error: CHANNELS },
    ),
    { error: `a list, each ${CHANNELS}` },
  )
  .optional()
  .meta({ description: "who is told when a run fails or works again, and of what `coldkeep status --notify` finds" });
