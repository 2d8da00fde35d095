export { describeNode } from "./describe.ts";
export { readPage } from "./read.ts";
export { PAGE_POLICY, renderPage } from "./render.ts";
export type { PageInput, PageNode } from "./types.ts";
