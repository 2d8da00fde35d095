import { createHash } from "node:crypto";
import { escapeHtml, VERSION } from "../../vault/names/index.ts";
import { STYLE } from "./style.ts";

/** HTML that was made here, as opposed to text that came out of a vault. */
export interface Html {
  readonly html: string;
}

type Value = string | number | Html | readonly Html[];

/** Builds HTML; whatever is put in that is not HTML itself is text and stays text. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return {
    html: parts.reduce((all, part, at) => all + part + (at < values.length ? written(values[at] ?? "") : ""), ""),
  };
}

function written(value: Value): string {
  if (typeof value === "string") return escapeHtml(value);
  if (typeof value === "number") return String(value);
  if ("html" in value) return value.html;
  return value.map((one) => one.html).join("");
}

/** What a browser may do with a page: show it by the one style that is known here; run nothing, fetch nothing, be framed by nobody. */
export const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export interface Page {
  readonly title: string;
  readonly trail: Html;
  readonly content: Html;
  /** Where the browser goes on to by itself, at once. */
  readonly onTo?: string;
}

export function renderDocument({ title, trail, content, onTo }: Page): string {
  const refresh = onTo === undefined ? "" : html`<meta http-equiv="refresh" content="0; url=${onTo}">`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">${refresh}
<link rel="icon" href="data:,">
<title>${title} · coldkeep</title>
<style>${{ html: STYLE }}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>${trail}</header>
<main id="main">
<h1>${title}</h1>
${content}
</main>
<footer><p>Times are UTC. Names of which something cannot be shown stand as \\xNN. Opened on this machine with its key; whoever has this browser sees what you see. coldkeep ${VERSION}</p></footer>
</body>
</html>
`.html;
}
