/** A flag's or a command's name as it is typed; in the code they are in camel case. */
export function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
