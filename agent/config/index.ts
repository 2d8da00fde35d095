export { DURATION_FORM, parseDuration } from "./duration.ts";
export { configJsonSchema } from "./json-schema.ts";
export { keySetting, wrongKeyText } from "./key-text.ts";
export { DEFAULT_CONFIG, loadConfig, loadNodes } from "./load.ts";
export { nearest } from "./nearest.ts";
export { parseConfig } from "./parse.ts";
export { type NewConfig, renderConfig } from "./render.ts";
export type * from "./types.ts";
export { assertNoConfig, writeNewConfig } from "./write.ts";
