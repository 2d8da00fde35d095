export { describeNode } from "./describe.ts";
export { renderPage } from "./render.ts";
export type { PageInput, PageNode } from "./types.ts";
