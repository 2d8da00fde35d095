import { createHash } from "node:crypto";
import { escapeHtml, safe } from "../../vault/names/index.ts";

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse}th{text-align:left;font-weight:normal;opacity:.7;padding-right:2rem;vertical-align:top}
pre{padding:1rem;overflow-x:auto;border:1px solid;border-radius:.3rem}`;

export interface PublicPage {
  readonly title: string;
  readonly rows: readonly (readonly [name: string, value: string])[];
  /** What is typed to restore. */
  readonly line: string;
  /** Paragraphs below it. */
  readonly notes: readonly string[];
}

/** A page without scripts, forms or anything from elsewhere; all that it is given is text and stays text. */
export function publicPage({ title, rows, line, notes }: PublicPage): string {
  const hash = createHash("sha256").update(STYLE).digest("base64");
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  const cells = rows.map(([name, value]) => `<tr><th>${escaped(name)}</th><td>${escaped(value)}</td></tr>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
<table>
${cells.join("\n")}
</table>
<h2>Restore</h2>
<pre>${escaped(line)}</pre>
${notes.map((note) => `<p>${escaped(note)}</p>`).join("\n")}
</body>
</html>
`;
}

function escaped(text: string): string {
  return escapeHtml(safe(text));
}
