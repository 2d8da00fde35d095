import type { NodeName, VaultId } from "../../vault/names/index.ts";
import type {
  CommandLine,
  Encryptor,
  HealthSettings,
  HeightSettings,
  RootSettings,
  ServiceSettings,
  VaultSettings,
} from "./types.ts";

/** What a new configuration says; all else is left at its default and shown as a comment. */
export interface NewConfig {
  readonly vault: Omit<VaultSettings, "name">;
  readonly vaultId: VaultId;
  readonly stateDir: string;
  readonly encryptor: Encryptor;
  readonly keyFile: string;
  readonly node: NodeName;
  readonly profile: string;
  readonly roots: readonly RootSettings[];
  readonly service: ServiceSettings;
  /** Absolute; the system's own configuration. */
  readonly systemConfig?: string;
  readonly health?: HealthSettings;
  readonly height?: HeightSettings;
  /** What the profile's operators keep; none where they have no rule. */
  readonly keep?: { readonly folder: string; readonly bucket: string; readonly permanent: string };
}

/** The text of a configuration with a comment for each choice there is. */
export function renderConfig(o: NewConfig): string {
  return `# Configuration of coldkeep. \`coldkeep config check\` reads it, \`coldkeep config schema\` prints all it may hold.
version: 1

# Where snapshots are kept. Best on another disk or machine than the nodes.
${vaultText(o.vault)}

# What is kept of it, as \`restic forget\` has it. Where tiers are written, each backup lets them rule in a directory vault;
# without any nothing expires by itself, and \`coldkeep forget\` keeps a week. \`coldkeep forget --dry-run\` shows the plan.
${tiersText(o)}

# When \`coldkeep status\` says that something is amiss.
# watch:
#   max_age: 26h             # of the newest good snapshot
#   max_unproven: 30d        # since a snapshot was restored by \`coldkeep drill\`

# Names this archive; the same for all copies of the vault. Never change it.
vault_id: ${quote(o.vaultId)}

# What this host remembers about its nodes, and the key that signs their snapshots. Losing it costs one full backup.
state_dir: ${quote(o.stateDir)}

# The key: a file as here, 0x… in hexadecimal, or the text itself, of 16, 24 or 32 bytes; of 16 for sm4.
# KEEP A COPY OF IT SOMEWHERE ELSE. Without it nobody opens a snapshot.
encryptor: ${o.encryptor}
encrypt_key: ${quote(o.keyFile)}
# consume_key_file: true        # empty the file after reading it, as ChainMaker does

nodes:
  ${o.node}:
    # What is known of the node's files; \`coldkeep profiles\` lists what there is
    profile: ${quote(o.profile)}
    roots:
${o.roots.map(({ name, path }) => `      ${quote(name)}: ${quote(path)}`).join("\n")}
${systemText(o.systemConfig)}    # freeze_dir: /srv/.coldkeep-freeze    # on the roots' file system; default: beside each root
    # exclude: ["cache/**"]                # also immutable, append_only, secret: lists of globs below the roots

${serviceText(o.service)}

${healthText(o.health)}
${heightText(o.height)}
    # Where the node does not answer before a backup: restart it and skip (skip-and-restart), or go on (backup)
    when_down: skip-and-restart
    # windows: ["mon-fri 02:00-05:00"]     # the only times at which it is stopped, by the clocks of timezone
    # skip_if_syncing: { url: "http://127.0.0.1:9000/status", field: catching_up }
    # skip_if_leader: { command: is-leader }
    # group: validators          # of these nodes, on any hosts with this vault, max_down_in_group are down at once
    # tags: [nightly]
    # drill:                     # how \`coldkeep drill\` proves snapshots
    #   folder: /srv/drill       # room for a whole snapshot; default: in state_dir
    #   check: /usr/local/bin/open-and-check "$1"    # the system's own reader; $1 is the folder of the restored roots
`;
}

function vaultText({ url, s3 }: NewConfig["vault"]): string {
  if (s3 === undefined) return `vault: ${quote(url)}`;
  const { region, endpoint, profile } = s3;
  const lines = Object.entries({ url, region, endpoint, profile });
  return `vault:${lines.map(([key, value]) => (value === undefined ? "" : `\n  ${key}: ${quote(value)}`)).join("")}`;
}

function tiersText({ keep, vault }: NewConfig): string {
  if (keep === undefined) return "# tiers:\n#   keep_within: 7d\n#   keep_daily: 30";
  if (vault.url.startsWith("file:")) return `tiers:\n  keep_within: ${keep.folder}`;
  return `tiers:\n  keep_within: ${keep.bucket}\n  permanent: ${quote(keep.permanent)}      # the first one from then on, every day, for ever`;
}

function systemText(path: string | undefined): string {
  return path === undefined
    ? ""
    : `    # The system's own configuration, of which the roots are\n    system_config: ${quote(path)}\n`;
}

function serviceText(service: ServiceSettings): string {
  if (service.manager === "none") {
    return `    # Nobody stops and starts this node for coldkeep: backups work only while it is down.
    service:
      manager: none
    # service:
    #   manager: systemd       # also docker, compose, kubernetes, command
    #   unit: node.service`;
  }
  return `${linesOf(service)}
      stop_timeout: 120s
      start_timeout: 300s
      on_stop_timeout: fail      # or kill: SIGKILL what holds the files when it does not stop in time`;
}

/** The node's manager and what it is driven by. */
function linesOf(service: Exclude<ServiceSettings, { readonly manager: "none" }>): string {
  if (service.manager === "command") {
    return `    # Commands for /bin/sh, or lists of words to run without a shell
    service:
      manager: command
      stop: ${commandText(service.stop)}
      start: ${commandText(service.start)}
      is_running: ${commandText(service.isRunning)}`;
  }
  const { manager, ...rest } = service;
  const lines = Object.entries(rest).map(
    ([key, value]) =>
      `\n      ${key}: ${typeof value === "string" ? quote(value) : `[${value.map(quote).join(", ")}]`}`,
  );
  return `    service:\n      manager: ${manager}${lines.join("")}`;
}

function healthText(health: HealthSettings | undefined): string {
  if (health === undefined) {
    return `    # health:
    #   url: http://127.0.0.1:9000/health
    #   ok: [200]`;
  }
  if ("tcp" in health) return `    health:\n      tcp: ${quote(health.tcp)}`;
  if ("command" in health) return `    health:\n      command: ${commandText(health.command)}`;
  return `    health:\n      url: ${quote(health.url)}\n      ok: [${health.ok.join(", ")}]`;
}

function heightText(height: HeightSettings | undefined): string {
  if (height === undefined) {
    return `    # height:
    #   url: http://127.0.0.1:9000/api/v1/avail/peer
    #   field: block_height`;
  }
  const source = "url" in height ? `url: ${quote(height.url)}` : `command: ${commandText(height.command)}`;
  const { field, channels } = height;
  const inner = Object.entries(channels ?? {}).map(([key, value]) => `${key}: ${quote(value)}`);
  const several = channels === undefined ? "" : `\n      channels: { ${inner.join(", ")} }`;
  return `    height:\n      ${source}${field === undefined ? "" : `\n      field: ${quote(field)}`}${several}`;
}

function commandText(command: CommandLine): string {
  return typeof command === "string" ? quote(command) : `[${command.map(quote).join(", ")}]`;
}

/** A text as YAML reads it back: plain where that is safe beyond doubt, else double-quoted as in JSON. */
function quote(text: string): string {
  return /^[/a-zA-Z][\w/.-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text)
    ? text
    : JSON.stringify(text);
}
