import * as z from "zod";
import { COMPRESSIONS, isNodeName, isVaultId } from "../../vault/names/index.ts";
import { FREEZE_FIELDS } from "./schema-freeze.ts";
import { groups } from "./schema-groups.ts";
import { KEY_FIELDS } from "./schema-keys.ts";
import { limits } from "./schema-limits.ts";
import { notify } from "./schema-notify.ts";
import { ovn } from "./schema-ovn.ts";
import { absolute, command, duration, object, oneOf, text, url } from "./schema-parts.ts";
import { STOP_FIELDS } from "./schema-stop.ts";
import { SYSTEM_FIELDS } from "./schema-system.ts";
import { tiers } from "./schema-tiers.ts";
import { vault, vaults } from "./schema-vault.ts";
import { watch } from "./schema-watch.ts";

function globs(description: string) {
  const allowed = "a list of globs over paths below the root, such as 'keystore/**', without a leading /";
  return z
    .array(z.string({ error: allowed }).regex(/^[^/\0][^\0]*$/, { error: allowed }), { error: allowed })
    .default([])
    .meta({ description });
}

const field = text(
  "a path into the JSON answer: block_height, 0.height, …",
  /^[^\s.]+(\.[^\s.]+)*$/,
  "path",
).optional();

const LIMITS = {
  stop_timeout: duration("120s", "how long the node may take to stop"),
  start_timeout: duration("300s", "how long the node may take to start and answer"),
  on_stop_timeout: oneOf(["fail", "kill"], "when it does not stop in time: give up and start it, or kill it").default(
    "fail",
  ),
};

const hook = z
  .union(
    [
      command("a command"),
      object({ run: command("a command"), timeout: duration("30s", "how long it may take") }, "a command with a limit"),
    ],
    { error: "a command, or a mapping with run and timeout" },
  )
  .optional();

/** What every manager that controls its node takes. */
const CONTROLLED = {
  ...LIMITS,
  hooks: object(
    { before_stop: hook, after_stop: hook, before_start: hook, after_start: hook },
    "commands around the stop and the start; what runs in between makes the outage longer",
  ).optional(),
};

const name = (what: string) => text(`${what} of letters, digits and . _ - @ :`, /^[A-Za-z0-9][\w.@:-]{0,252}$/, what);

const MANAGERS = "systemd, docker, compose, kubernetes, command or none";

const service = z
  .discriminatedUnion(
    "manager",
    [
      object(
        {
          manager: z.literal("command"),
          start: command("starts the node; starting a running node is no error"),
          stop: command("stops the node; stopping a stopped node is no error"),
          is_running: command("ends with 0 where the node runs"),
          ...CONTROLLED,
        },
        "a node that is driven by commands",
      ),
      object(
        { manager: z.literal("systemd"), unit: name("the unit's name"), ...CONTROLLED },
        "a node that is a unit of systemd",
      ),
      object(
        {
          manager: z.literal("docker"),
          container: name("the container's name"),
          program: oneOf(["docker", "podman"], "the command line that drives it").default("docker"),
          copy_out: z
            .record(z.string(), absolute("a folder inside the container"), {
              error: "a mapping of roots' names to folders inside the container",
            })
            .optional()
            .meta({
              description:
                "folders that are no volume: copied to these roots by `docker cp` while the container is down",
            }),
          ...CONTROLLED,
        },
        "a node that is one container",
      ),
      object(
        {
          manager: z.literal("compose"),
          file: absolute("the compose file"),
          services: z
            .array(name("a service's name"), { error: "a list of services of the file" })
            .default([])
            .meta({ description: "those that are the node, in the order of their stop; default: all" }),
          project: name("the project's name").optional(),
          command: oneOf(["docker compose", "docker-compose"], "version 2, or version 1").default("docker compose"),
          ...CONTROLLED,
        },
        "a node that is services of a compose file",
      ),
      object(
        {
          manager: z.literal("kubernetes"),
          workload: oneOf(["deployment", "statefulset", "pod"], "what it is; a pod only where nothing else makes it"),
          name: name("the workload's name"),
          namespace: name("its namespace").default("default"),
          context: name("a context of the kubeconfig").optional(),
          kubeconfig: absolute("the kubeconfig").optional(),
          manifest: absolute("of a pod: the file it is made from where coldkeep did not delete it").optional(),
          ...CONTROLLED,
        },
        "a node that is a Deployment or StatefulSet of Kubernetes, or a pod by itself",
      ),
      object({ manager: z.literal("none"), ...LIMITS }, "a node that somebody else stops and starts"),
    ],
    {
      error: (issue) => (issue.code === "invalid_union" ? MANAGERS : `a mapping with manager: ${MANAGERS}`),
    },
  )
  .meta({ description: "how the node is stopped, started and asked whether it runs" });

const HTTP_STATUS = "a list of HTTP statuses from 100 to 599";

const health = z
  .union(
    [
      object(
        {
          url: url("asked by GET"),
          ok: z
            .array(z.int({ error: HTTP_STATUS }).min(100, { error: HTTP_STATUS }).max(599, { error: HTTP_STATUS }), {
              error: HTTP_STATUS,
            })
            .min(1, { error: HTTP_STATUS })
            .default([200])
            .meta({ description: "the statuses of a node that is well" }),
        },
        "asked over HTTP",
      ),
      object({ command: command("ends with 0 where the node is well") }, "asked by a command"),
      object(
        {
          tcp: text(
            "host:port, such as 127.0.0.1:9000",
            /^(?:\[[0-9a-fA-F:.]+\]|[^\s:/]+):\d{1,5}$/,
            "takes a connection",
          ),
        },
        "asked by a connection",
      ),
    ],
    { error: "a mapping with url (and ok), with command, or with tcp" },
  )
  .meta({ description: "how to ask whether the node is well" });

const jsonPath = text("a path into the JSON answer", /^[^\s.]+(\.[^\s.]+)*$/, "path");

const channels = z
  .union(
    [
      object(
        {
          metric: text(
            "a metric's name, such as ledger_blockchain_height",
            /^[A-Za-z_:][\w:]*$/,
            "a Prometheus metric",
          ),
          by: text("a label's name, such as channel", /^[A-Za-z_]\w*$/, "the label that tells the channel"),
        },
        "samples of a metric, one a channel",
      ),
      object(
        {
          list: text("a path to a list in the JSON answer", /^(?:[^\s.]+(\.[^\s.]+)*)?$/, "path").default(""),
          by: jsonPath,
          field: jsonPath,
          follow: jsonPath.optional(),
        },
        "a list, one entry a channel: its name at by, its height at field, or in the answer of the URL at follow",
      ),
    ],
    { error: "a mapping with metric and by, or with list, by, field and follow" },
  )
  .optional()
  .meta({ description: "where the answer tells several heights, by channel" });

const height = z
  .union(
    [
      object({ url: url("asked by GET"), field, channels }, "asked over HTTP"),
      object({ command: command("prints the height"), field, channels }, "asked by a command"),
    ],
    { error: "a mapping with url or command, and field or channels" },
  )
  .meta({ description: "how to ask for the node's block height" });

const cardKey = text(
  "the 43 letters of a card key, as `coldkeep init` prints it",
  /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/,
  "pins the key that signs the node's cards",
);

const compression = oneOf(
  COMPRESSIONS,
  "how hard what is new is compressed: with little work, as it pays for most, or so that it takes the least room",
);

const tag = text("letters, digits and . _ : - up to 64", /^[A-Za-z0-9._:-]{1,64}$/, "a tag");

const drill = object(
  {
    folder: absolute("where snapshots are restored to be looked at; default: in state_dir").optional(),
    check: command(
      "opens the restored data with the system's own reader: run with the folder of the roots as its last word ($1), ends with 0 where all is well",
    ).optional(),
    check_timeout: duration("1h", "how long the check may take"),
  },
  "how `coldkeep drill` proves snapshots",
);

function node(profiles: readonly string[]) {
  const profile = profiles.length === 0 ? "the name of a profile" : profiles.join(" or ");
  return object(
    {
      profile: z
        .string({ error: profile })
        .refine((name) => profiles.length === 0 || profiles.includes(name), { error: profile })
        .meta({
          description: "what is known of the node's files",
          ...(profiles.length > 0 ? { enum: [...profiles] } : {}),
        }),
      roots: z
        .record(
          z.string().regex(/^[a-z0-9_-]{1,64}$/, { error: "a root's name: 1 to 64 of a-z 0-9 _ -" }),
          absolute("a folder of the node").refine((path) => path !== "/", { error: "any folder but / itself" }),
          { error: "a mapping of names to absolute paths, such as data: /srv/node/data" },
        )
        .refine((roots) => Object.keys(roots).length > 0, { error: "at least one root" })
        .meta({ description: "the folders that are backed up, by name" }),
      freeze_dir: absolute(
        "where frozen trees lie, on the file system of the roots; default: .coldkeep-freeze beside each root",
      ).optional(),
      ...FREEZE_FIELDS,
      immutable: globs("files that never change once written: they are hard-linked while the node runs"),
      append_only: globs("files that only grow: they are hard-linked, and read up to their length at the freeze"),
      exclude: globs("files that are left out"),
      secret: globs("keys and identities: stored apart, and left out where a snapshot is shared"),
      lean: z
        .boolean({ error: "true or false" })
        .default(false)
        .meta({ description: "leave out what the node makes anew when it starts, where its profile knows of that" }),
      service,
      health: health.optional(),
      height: height.optional(),
      when_down: oneOf(
        ["skip-and-restart", "backup"],
        "what a backup does where the node does not answer: restart it and skip, or back up what is there",
      ).default("skip-and-restart"),
      chains: z
        .array(text("a chain's id, such as 0xbf62b4", /^[\w.-]{1,128}$/, "a chain"), { error: "a list of chains" })
        .default([])
        .meta({ description: "those that are captured, of a node that has several; default: all" }),
      validator: z.boolean({ error: "true or false" }).default(true).meta({
        description: "false: no key that signs is on this host, so that old snapshots are restored without --force",
      }),
      own_ip: text(
        "an IPv4 address",
        /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/,
        "this host's own address, for profiles that name files by it; default: the only one of its interfaces",
      ).optional(),
      own_ip_url: url(
        "answers with this host's own address, where own_ip does not say it: nobody is asked unless this is written",
      ).optional(),
      tags: z.array(tag, { error: "a list of tags" }).default([]).meta({ description: "written into each snapshot" }),
      formerly: z
        .array(
          z.string().refine((name): boolean => isNodeName(name), { error: "a node's name" }),
          { error: "a list of names" },
        )
        .default([])
        .meta({ description: "names it had before, whose snapshots --node finds; see `coldkeep node rename`" }),
      card_key: cardKey.optional(),
      ...SYSTEM_FIELDS,
      ...STOP_FIELDS,
      compression: compression.optional(),
      limits: limits.optional(),
      tiers: tiers.optional(),
      watch: watch.optional(),
      drill: drill.optional(),
      ovn: ovn.optional(),
    },
    "a node",
  );
}

/**
 * The whole file, as it is written. Every field's error text says what is allowed; what was found, and where, is added
 * by the reader. `profiles` are the names a node's profile may have; none given means any.
 */
export function configSchema(profiles: readonly string[]) {
  return object(
    {
      version: z.literal(1, { error: "1" }).meta({ description: "version of this file's form" }),
      vault: vault.optional(),
      vaults: vaults.optional(),
      compression: compression.optional(),
      limits: limits.optional(),
      tiers: tiers.optional(),
      watch: watch.optional(),
      notify,
      vault_id: z
        .string({ error: "the 22 letters that `coldkeep init` wrote" })
        .refine(isVaultId, { error: "the 22 letters that `coldkeep init` wrote" })
        .optional()
        .meta({ description: "names the archive; the same for all copies of the vault" }),
      state_dir: absolute("what this host remembers about its nodes").default("/var/lib/coldkeep"),
      ...KEY_FIELDS,
      card_key: cardKey.optional(),
      nodes: z
        .record(
          z.string().refine((name): boolean => isNodeName(name), {
            error: "a node's name: 1 to 63 of a-z 0-9 . _ -, beginning and ending with a letter or digit",
          }),
          node(profiles),
          { error: "a mapping of node names to their settings" },
        )
        .refine((nodes) => Object.keys(nodes).length > 0, { error: "at least one node" })
        .meta({ description: "the nodes that are backed up, by name" }),
      groups: groups.optional(),
    },
    "configuration of coldkeep",
  ).meta({ oneOf: [{ required: ["vault"] }, { required: ["vaults"] }] });
}

/** Of the whole file only what it takes to drive the nodes; the rest may be missing or wrong. */
export function nodesSchema(profiles: readonly string[]) {
  const { state_dir, nodes } = configSchema(profiles).shape;
  return z.object({ state_dir, nodes }, { error: "a mapping with nodes" });
}

/** What the schema makes of a file that follows it. */
export type WrittenConfig = z.output<ReturnType<typeof configSchema>>;
