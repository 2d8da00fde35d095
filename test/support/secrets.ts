/**
 * Secrets that tests use. Whatever a command prints is searched for them, so that every run of every test is a test of
 * redaction, too.
 */
const secrets = new Set<string>();

/** Lines of a secret's text that are long enough to be told from chance. */
export function keepSecret(text: string): void {
  for (const line of text.split("\n")) {
    const one = line.trim();
    if (one.length >= 12 && !one.startsWith("#") && !one.startsWith("-----")) secrets.add(one);
  }
}

/** @throws Error naming nothing of the secret that was found. */
export function assertNoSecret(printed: string, by: string): void {
  for (const secret of secrets) {
    if (printed.includes(secret)) throw new Error(`${by} printed a secret of ${secret.length} letters`);
  }
}
