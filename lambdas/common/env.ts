/** A variable the function cannot do without. @throws Error: the deployment is wrong, nothing can be done here. */
export function requireEnv(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name];
  if (value === undefined || value === "") throw new Error(`the environment lacks ${name}`);
  return value;
}
