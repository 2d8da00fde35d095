export type { Library, Viewer, ViewerOptions } from "./types.ts";
export { startViewer } from "./viewer.ts";
