/**
 * Whether this is a CI run, where nothing may go untested in silence: any value of CI but none says so, as the many
 * services that set it mean it. `.ci/sum.mjs` asks the same.
 */
export function onCi(env: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return (env.CI ?? "") !== "";
}
