import type { Notice, WebhookForm } from "./types.ts";

/** The body of a webhook's request. */
export function renderWebhook(notice: Notice, form: WebhookForm): string {
  switch (form) {
    case "json":
      return JSON.stringify({ source: "coldkeep", ...notice, at: new Date(notice.at).toISOString() });
    case "slack":
      return JSON.stringify({
        text: escapeSlack(notice.title),
        blocks: [
          { type: "section", text: { type: "mrkdwn", text: `*${escapeSlack(notice.title)}*` } },
          { type: "section", text: { type: "mrkdwn", text: `\`\`\`${cut(escapeSlack(notice.words), 2900)}\`\`\`` } },
        ],
      });
    case "teams":
      return JSON.stringify({
        type: "message",
        attachments: [
          {
            contentType: "application/vnd.microsoft.card.adaptive",
            content: {
              $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
              type: "AdaptiveCard",
              version: "1.4",
              body: [
                { type: "TextBlock", text: notice.title, weight: "Bolder", wrap: true },
                { type: "TextBlock", text: cut(notice.words, 20_000), wrap: true, fontType: "Monospace" },
              ],
            },
          },
        ],
      });
  }
}

/** A whole message as RFC 5322 has it; `sendmail -t` reads to whom it goes from it. */
export function renderMail(notice: Notice, to: readonly string[], from: string | undefined): string {
  return [
    ...(from === undefined ? [] : [`From: ${from}`]),
    `To: ${to.join(",\n ")}`,
    `Subject: ${encodedWords(cut(notice.title, 400))}`,
    `Date: ${new Date(notice.at).toUTCString().replace("GMT", "+0000")}`,
    "Auto-Submitted: auto-generated",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: base64",
    "",
    ...(Buffer.from(`${notice.words}\n`)
      .toString("base64")
      .match(/.{1,76}/g) ?? []),
    "",
  ].join("\n");
}

/** Bytes of one encoded word: with `Subject: ` before it its line keeps to the 76 characters that are allowed. */
const WORD_BYTES = 39;

/** A header's text in any letters: encoded words of whole characters, a line each (RFC 2047, sections 2 and 5). */
function encodedWords(text: string): string {
  const words: string[] = [];
  let word = "";
  for (const letter of text) {
    if (Buffer.byteLength(word + letter) > WORD_BYTES) {
      words.push(word);
      word = "";
    }
    word += letter;
  }
  return [...words, word].map((one) => `=?UTF-8?B?${Buffer.from(one).toString("base64")}?=`).join("\n ");
}

/** Slack reads three characters as its own; https://docs.slack.dev/messaging/formatting-message-text */
function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("```", "'''");
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}
