import * as z from "zod";
import { absolute, command, duration, object, oneOf, text } from "./schema-parts.ts";

const CHAINCODE =
  "true for those that begin with dev-peer, or how the names of this peer's begin, such as dev-peer0.org1";

/** What the profiles of some systems have to be told; those that have no use for a field pass over it. */
export const SYSTEM_FIELDS = {
  system_config: absolute(
    "the system's own configuration, for profiles that read it, such as chainmaker.yml",
  ).optional(),
  run_dir: absolute(
    "the folder the node is started in, from which relative paths of system_config count; default: the bin folder above it",
  ).optional(),
  external: oneOf(
    ["acknowledged"],
    "that a part of the node's data lies on other machines, and is backed up by somebody else",
  ).optional(),
  node_key: text(
    "an absolute path, credential:NAME or env:NAME",
    /^(?:\/[^\0]*[^/\0]|credential:[A-Za-z0-9_.-]+|env:[A-Za-z_][A-Za-z0-9_]*)$/,
    "what the node's own key file is filled with, just before it is started: for nodes that empty it",
  ).optional(),
  remove_chaincode: z
    .union([z.boolean({ error: CHAINCODE }), z.string().regex(/^[A-Za-z0-9][\w.-]{2,127}$/, { error: CHAINCODE })], {
      error: CHAINCODE,
    })
    .optional()
    .meta({
      description: "a restore in place removes the containers of chaincode, where docker or compose drives the peer",
    }),
  archive_status: command(
    "asks the node whether blocks are being archived; run with the chain as its last word ($1), prints what GetArchiveStatus answers",
  ).optional(),
  rebuild: object(
    {
      run: command(
        "makes the databases anew from the blocks; run with the chain and the height to end at (empty: all) as its last words ($1, $2)",
      ),
      log: absolute("the log that it writes to: what is added there must hold no error").optional(),
      height: command("prints the height that was reached; run with the chain as its last word ($1)").optional(),
      timeout: duration("24h", "how long it may take"),
    },
    "how `coldkeep restore --rebuild-dbs` makes databases anew",
  ).optional(),
};
