import { resolve } from "node:path";
import { ColdkeepError } from "../../vault/names/index.ts";
import { DEFAULT_CONFIG, loadConfig } from "../config/index.ts";
import { generateHsmKey, type MadeKey, makeKey, writeKey } from "../keys/index.ts";
import { profileNames } from "../profiles/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import type { GenerateFlags } from "./key-generate.command.ts";
import { contextOf } from "./opened.ts";

/** `coldkeep key generate`. */
export async function run(call: Call<GenerateFlags>): Promise<Answer> {
  const { flags } = call;
  const kinds = ["aes256", "sm4", "age", "hsm"] as const;
  const [kind, ...more] = kinds.filter((name) => flags[name] !== undefined);
  if (kind === undefined || more.length > 0) {
    throw new ColdkeepError("usage", {
      what: "one kind of key is to be chosen",
      todo: "give one of --aes-256, --sm4, --age and --hsm <label>",
    });
  }
  if (kind === "hsm") return await inToken(call, flags.hsm ?? "");
  if ((flags.to === undefined) === (flags.stdout !== true)) {
    throw new ColdkeepError("usage", {
      what: "where is the key to go?",
      todo: "give --to <path>, or --stdout to have it printed",
    });
  }
  const made = await makeKey(kind, call.io.clock.now());
  if (flags.to === undefined) return { document: { key: made.text.trim(), ...publicOf(made) }, text: made.text };
  const path = resolve(flags.to);
  writeKey(path, made.text);
  const recipient = made.recipient === undefined ? "" : `\nIts recipient, for the hosts: ${made.recipient}`;
  return {
    document: { file: path, ...publicOf(made) },
    text: `${path}: KEEP A COPY OF IT SOMEWHERE ELSE. Without it nobody opens what it encrypts.${recipient}`,
  };
}

function publicOf({ recipient }: MadeKey) {
  return recipient === undefined ? {} : { recipient };
}

async function inToken(call: Call<GenerateFlags>, label: string): Promise<Answer> {
  const config = loadConfig(call.flags.config ?? DEFAULT_CONFIG, profileNames());
  const { token } = config;
  if (token === undefined) {
    throw new ColdkeepError("config", {
      what: "pkcs11 is missing",
      on: config.path,
      why: "it says in which token the key is to be made",
    });
  }
  const id = await generateHsmKey({ kind: "hsm", field: "--hsm", key: label, token }, contextOf(config, call));
  return {
    document: { token: token.label, label, id },
    text: `${label} in token ${token.label}, id ${id}: back the token up, as its vendor describes. Without the key nobody opens what it encrypts.`,
  };
}
