export * from "./encoding.ts";
export * from "./errors.ts";
export * from "./glob.ts";
export * from "./ids.ts";
export * as names from "./objects.ts";
export * from "./progress.ts";
export * from "./redact.ts";
export * from "./s3-url.ts";
export * from "./versions.ts";
