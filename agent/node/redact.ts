const SECRET =
  /((?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|access[-_]?key|auth(?:orization)?|credential)s?["']?(?:\s*[=:]\s*|\s+))(?:(?:bearer|basic)\s+)?("[^"]*"|'[^']*'|[^\s,;&]+)/gi;
const USERINFO = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi;

/**
 * A command line or its output fit for messages: values that follow words like password, token or secret, and the user
 * part of addresses, are blanked out. A net below the rule that secrets do not belong on command lines.
 */
export function redact(text: string): string {
  return text.replace(USERINFO, "$1***@").replace(SECRET, "$1***");
}
