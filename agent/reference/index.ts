export { bashCompletion } from "./bash.ts";
export { fishCompletion } from "./fish.ts";
export { type ExitStatus, manualPage } from "./man.ts";
export type * from "./types.ts";
export { zshCompletion } from "./zsh.ts";
