import type { Encryptor } from "../config/index.ts";
import { defineCommand } from "./define.ts";
import { namedRoot } from "./parse.ts";

export interface InitFlags {
  readonly profile?: string;
  readonly root?: readonly { readonly name: string; readonly path: string }[];
  readonly vault?: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly awsProfile?: string;
  readonly encryptor?: Encryptor;
  readonly keyFile?: string;
  readonly stateDir?: string;
  readonly stop?: string;
  readonly start?: string;
  readonly isRunning?: string;
  readonly healthUrl?: string;
  readonly heightUrl?: string;
  readonly heightField?: string;
}

const optionalText = { kind: "parsed", parse: String, optional: true } as const;

export const command = defineCommand<InitFlags>({
  brief: "Write a configuration for a node and prepare its vault",
  usage:
    "--node <name> --root <name>=<path> --vault <url> [--key-file <path>] [--stop <command> --start <command> --is-running <command>]",
  about:
    "Writes a commented configuration (never over an existing one), makes the key file where there is none, the folder\n" +
    "of coldkeep's state with the key that signs this host's snapshots, and the vault. Then it checks everything as\n" +
    "`coldkeep doctor` does. Without --profile it looks what lies in the folders, and\n" +
    "adds those of the same node that lie elsewhere, as its own files say. On a terminal it asks for what was not\n" +
    "given. Where the configuration is there already and no\n" +
    "node is described, it prepares what that names: run it after adding a node to the file.",
  examples: [
    [
      "init --node icon --profile leveldb --root data=/srv/icon/data --vault file:///backup/vault \\\n" +
        "      --key-file /etc/coldkeep/icon.key --stop 'systemctl stop icon' \\\n" +
        "      --start 'systemctl start icon' --is-running 'systemctl is-active icon'",
      "a node that systemd runs",
    ],
    [
      "init --node icon --profile leveldb --root data=/srv/icon/data --vault s3://my-bucket/nodes \\\n" +
        "      --region eu-central-1 --key-file /etc/coldkeep/icon.key",
      "into S3; the bucket must be there, best with versioning on",
    ],
  ],
  flags: {
    profile: {
      ...optionalText,
      placeholder: "name",
      brief: "What is known of the node's files, as `coldkeep profiles` lists it [default = what is found]",
    },
    root: {
      kind: "parsed",
      parse: namedRoot,
      optional: true,
      variadic: true,
      placeholder: "name=path",
      brief: "A folder to back up, by name; may be given several times",
    },
    vault: { ...optionalText, placeholder: "url", brief: "Where snapshots are kept: file:///path, s3://bucket/prefix" },
    region: {
      ...optionalText,
      placeholder: "name",
      brief: "The bucket's region [default = AWS_REGION, or the profile's]",
    },
    endpoint: { ...optionalText, placeholder: "url", brief: "A server that speaks S3, where it is not AWS" },
    awsProfile: { ...optionalText, placeholder: "name", brief: "Section of ~/.aws/config with the credentials to use" },
    encryptor: {
      kind: "enum",
      values: ["aes", "sm4"],
      optional: true,
      brief: "AES-256-GCM, or SM4-GCM with SM3 [default = aes]",
    },
    keyFile: { ...optionalText, placeholder: "path", brief: "File of the key; made, 0600, where there is none" },
    stateDir: {
      ...optionalText,
      placeholder: "path",
      brief: "Folder of coldkeep's state [default = /var/lib/coldkeep]",
    },
    stop: { ...optionalText, placeholder: "command", brief: "Stops the node" },
    start: { ...optionalText, placeholder: "command", brief: "Starts the node" },
    isRunning: { ...optionalText, placeholder: "command", brief: "Ends with 0 where the node runs" },
    healthUrl: { ...optionalText, placeholder: "url", brief: "Answers with status 200 where the node is well" },
    heightUrl: { ...optionalText, placeholder: "url", brief: "Tells the node's block height" },
    heightField: {
      ...optionalText,
      placeholder: "path",
      brief: "Where in the JSON answer it stands [default = height]",
    },
  },
  load: async () => (await import("./init.ts")).run,
});
