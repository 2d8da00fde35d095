import { ColdkeepError } from "../../vault/names/index.ts";
import { readContent, showByteName } from "../browse/index.ts";
import type { Answer } from "./answer.ts";
import { openBrowsing } from "./browsing.ts";
import type { CatFlags } from "./cat.command.ts";
import type { Call } from "./define.ts";
import { readFilePath } from "./snapshot-path.ts";

/** `coldkeep cat`. */
export async function run(call: Call<CatFlags>, target: string): Promise<Answer> {
  const { flags, io, progress } = call;
  const { id, path } = readFilePath(target);
  const { open } = await openBrowsing(call);
  const tree = await open(id);
  progress.close();
  let guarded = io.stdout.isTTY === true && flags.binary !== true;
  for await (const bytes of readContent(tree, path)) {
    if (guarded) assertText(bytes, path);
    // As grep and less do it: what begins as text is taken for text.
    guarded = false;
    if (!(await io.pour(bytes))) break;
  }
  return { text: "" };
}

const LOOKED_AT = 8192;

/** What would move the cursor, ring, or change the terminal: control characters but tab, line feed, form feed, return. */
function assertText(bytes: Uint8Array, path: Uint8Array): void {
  const strange = bytes
    .subarray(0, LOOKED_AT)
    .find((byte) => byte < 0x09 || (byte > 0x0d && byte < 0x20) || byte === 0x7f);
  if (strange === undefined) return;
  throw new ColdkeepError("refused", {
    what: "this file is not text, and stdout is a terminal",
    on: showByteName(path),
    todo: "write it into a file (`> file`), or say --binary",
  });
}
