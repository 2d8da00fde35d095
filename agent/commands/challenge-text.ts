import { formatTime } from "../report/index.ts";
import type { PublicKey } from "./unproven.ts";

/** What to run where the private half is, and here: each line is a command of the tools that people have there. */
export function challengeText({ key, question, proven }: PublicKey): string[] {
  if (proven !== undefined) return [`${key.label}: proven on ${formatTime(proven)}`];
  const { oaepHash } = key;
  const given = `echo ${question} | base64 -d`;
  const lines =
    oaepHash === undefined
      ? [`  ${given} | age -d -i identity.txt`]
      : [
          `  ${given} | openssl pkeyutl -decrypt -inkey private.pem -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:${oaepHash} -pkeyopt rsa_mgf1_md:${oaepHash}`,
          "  or, where it is in a token (OpenSC):",
          `  ${given} > question && pkcs11-tool --module LIB --login --id ID --decrypt --mechanism RSA-PKCS-OAEP ${TOKEN_HASH[oaepHash]} --input-file question`,
        ];
  return [
    `${key.label}: NOT PROVEN. Where its private half is, run:`,
    ...lines,
    "  and here: coldkeep key test --answer <what it prints>",
  ];
}

const TOKEN_HASH = {
  sha256: "--hash-algorithm SHA256 --mgf MGF1-SHA256",
  sha1: "--hash-algorithm SHA-1 --mgf MGF1-SHA1",
} as const;
