const TOKENS = /\bck(?:t|share)\d*\.[A-Za-z0-9_.=-]*/g;

/** The text without tickets and share tokens, whoever put them there; for everything that is logged or shown. */
export function redactTokens(text: string): string {
  return text.replace(TOKENS, (token) => `${token.slice(0, token.indexOf("."))}.[redacted]`);
}
