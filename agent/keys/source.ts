import { ColdkeepError } from "../../vault/names/index.ts";
import type { SnapshotScope } from "../../vault/sealed/types.ts";
import { isGenerated, readGenerated } from "./generated.ts";
import { readKeyFile } from "./key-file.ts";
import type { KeyKind, KeySource } from "./types.ts";

type SuiteName = SnapshotScope["suite"];

export interface LoadOptions {
  readonly suite: SuiteName;
  /** What the user calls the place the key is written in: "encrypt_key", "--key". */
  readonly field: string;
  /** Empties a key file once it was read, as ChainMaker does. Default false. */
  readonly consume?: boolean;
  /** `0x` before what is no hexadecimal is a text, as ChainMaker has it, and no mistake. Default false. */
  readonly looseHex?: boolean;
}

/** Key lengths in bytes, as ChainMaker's encryptors take them. */
const LENGTHS: Readonly<Record<SuiteName, readonly number[]>> = {
  "aes-256-gcm": [16, 24, 32],
  "sm4-gcm": [16],
};

const HEX_PREFIX = /^0[xX]/;

/**
 * Reads a key as ChainMaker's node reads `encrypt_key`: text that begins with `/` names a file, of whose content spaces
 * and line ends are dropped; `0x…` is hexadecimal; everything else is the key itself, byte for byte, but for the spelling
 * of keys that coldkeep made (`generated.ts`). Stricter in two
 * points: `0x` before something that is no hexadecimal is a mistake and not a password (unless `looseHex`), and the
 * bytes must be as many as the suite takes.
 * @throws ColdkeepError `key`, `permission`. No message tells anything of the key but its length.
 */
export async function loadKeySource(text: string, options: LoadOptions): Promise<KeySource> {
  if (text.startsWith("/")) {
    const file = readKeyFile(text);
    const source = softwareKey(file.bytes, "file", { ...options, label: text });
    if (options.consume === true) file.empty();
    return source;
  }
  if (HEX_PREFIX.test(text) && !(options.looseHex === true && !/^..[0-9a-fA-F]+$/.test(text))) {
    const bytes = fromHex(text.slice(2), options.field);
    checkLength(bytes, "hex", options, options.field);
    return { kind: "hex", bytes, label: "hex" };
  }
  return softwareKey(new TextEncoder().encode(text), "string", { ...options, label: "string" });
}

/** A key that was read elsewhere, checked. @throws ColdkeepError `key`. */
export function softwareKey(
  bytes: Uint8Array,
  kind: KeyKind,
  o: Pick<LoadOptions, "suite" | "field"> & { readonly label: string },
): KeySource {
  const { field, label } = o;
  const on = kind === "string" ? field : `${field} ${label}`;
  if (isGenerated(bytes)) return { kind, bytes: readGenerated(bytes, on), label, generated: true };
  checkLength(bytes, kind, o, on);
  return { kind, bytes, label };
}

function fromHex(digits: string, field: string): Uint8Array {
  const on = field;
  const what = "the key is not hexadecimal";
  const todo = "write 0x and an even number of digits 0-9 a-f; a key that is a text cannot begin with 0x";
  const odd = digits.search(/[^0-9a-fA-F]/);
  if (odd >= 0) throw new ColdkeepError("key", { what, on, why: `character ${odd + 3} is no hexadecimal digit`, todo });
  if (digits.length % 2 !== 0) {
    throw new ColdkeepError("key", { what, on, why: `it has ${digits.length} digits, an odd number`, todo });
  }
  return new Uint8Array(Buffer.from(digits, "hex"));
}

function checkLength(bytes: Uint8Array, kind: KeyKind, { suite }: Pick<LoadOptions, "suite">, on: string): void {
  const allowed = LENGTHS[suite];
  if (allowed.includes(bytes.length)) return;
  const found: Readonly<Record<KeyKind, string>> = {
    string: `the text has ${bytes.length} bytes`,
    hex: `its digits are ${bytes.length} bytes`,
    file: `without spaces and line ends the file has ${bytes.length} bytes`,
  };
  throw new ColdkeepError("key", {
    what: "the key has the wrong length",
    on,
    why: `${found[kind]}, ${suite} takes ${allowed.join(", ").replace(/, (\d+)$/, " or $1")}`,
    todo:
      kind === "file" && bytes.length === 0
        ? "an empty file may have been consumed already, as ChainMaker does; put the key back"
        : `a new key can be made with: coldkeep key generate --${suite === "sm4-gcm" ? "sm4" : "aes-256"} --to <path>`,
  });
}
