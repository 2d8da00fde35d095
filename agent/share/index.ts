export { type MadeShare, makeShare, type ShareGives, type ShareOptions } from "./make-share.ts";
export { readShareToken, type ShareToken, writeShareToken } from "./token.ts";
