import { join } from "node:path";
import { type Compression, type NodeName, toNodeName, type VaultId } from "../../vault/names/index.ts";
import { parseDuration, type Tiers, tiersOf, type WrittenTiers } from "../../vault/retain/index.ts";
import { paceOf } from "./pace.ts";
import type { WrittenConfig } from "./schema.ts";
import { bytesOf } from "./schema-freeze.ts";

import { MAIN_VAULT } from "./schema-vault.ts";
import { keysOf } from "./settings-keys.ts";
import { notifyOf } from "./settings-notify.ts";
import { systemOf } from "./settings-system.ts";
import { stopOf } from "./stop.ts";

import type {
  ChannelSettings,
  Config,
  DrillSettings,
  HealthSettings,
  HeightSettings,
  HookSettings,
  HooksSettings,
  NodeSettings,
  NodesConfig,
  OvnSettings,
  ServiceSettings,
  VaultSettings,
  WatchSettings,
} from "./types.ts";

type WrittenNode = WrittenConfig["nodes"][string];

/** The settings of a file that follows the schema. */
export function settingsOf(written: WrittenConfig, path: string): Config {
  return {
    path,
    vaults: vaultsOf(written),
    ...ruled(written),
    ...watched(written),
    ...notifyOf(written),
    ...(written.vault_id === undefined ? {} : { vaultId: written.vault_id as VaultId }),
    stateDir: written.state_dir,
    encryptor: written.encryptor ?? "aes",
    ...keysOf(written),
    consumeKeyFile: written.consume_key_file,
    strictSm: written.strict_sm,
    ...(written.refill_key_file === undefined ? {} : { refillKeyFile: written.refill_key_file }),
    nodes: Object.entries(written.nodes).map(([name, node]) =>
      nodeOf(toNodeName(name), node, {
        stateDir: written.state_dir,
        pin: written.card_key,
        timezone: written.tiers?.timezone,
        limits: written.limits,
        compression: written.compression,
      }),
    ),
    groups: Object.entries(written.groups ?? {}).map(([name, { order, down, own_timers }]) => ({
      name,
      order: order.map(toNodeName),
      down,
      ownTimers: own_timers,
    })),
    warnings: [],
  };
}

/** The same of the nodes alone. */
export function nodesOf({ state_dir, nodes }: Pick<WrittenConfig, "state_dir" | "nodes">, path: string): NodesConfig {
  return {
    path,
    stateDir: state_dir,
    nodes: Object.entries(nodes).map(([name, node]) => nodeOf(toNodeName(name), node, { stateDir: state_dir })),
  };
}

/** The vaults of a file that follows the schema; `vault` is short for a list of one. */
function vaultsOf({ vault, vaults }: WrittenConfig): readonly VaultSettings[] {
  if (typeof vault === "string") return [vaultOf({ name: MAIN_VAULT, url: vault })];
  return (vault === undefined ? (vaults ?? []) : [vault]).map(vaultOf);
}

function vaultOf(written: NonNullable<WrittenConfig["vaults"]>[number]): VaultSettings {
  const { name, url, tiers, region, endpoint, profile, fips } = written;
  const kept = { ...waited(written), ...ruled({ tiers }) };
  if (!url.startsWith("s3://")) return { name, url, ...kept };
  const { path_style: pathStyle, ca_bundle: caBundle, dual_stack: dualStack } = written;
  const reach = { region, endpoint, pathStyle, profile, caBundle, dualStack, fips };
  const s3 = Object.fromEntries(Object.entries(reach).filter(([, value]) => value !== undefined));
  return { name, url, s3, ...(written.put_only === true ? { putOnly: true } : {}), ...kept };
}

function waited({ retry_for }: { readonly retry_for?: string | undefined }): { readonly retryForMs?: number } {
  return retry_for === undefined ? {} : { retryForMs: milliseconds(retry_for) };
}

function ruled({ tiers }: { readonly tiers?: WrittenTiers | undefined }): { readonly tiers?: Tiers } {
  return tiers === undefined ? {} : { tiers: tiersOf(tiers) };
}

function watched({ watch }: Pick<WrittenConfig, "watch">): { readonly watch?: WatchSettings } {
  if (watch === undefined) return {};
  const { max_age, max_unproven } = watch;
  return {
    watch: {
      ...(max_age === undefined ? {} : { maxAgeMs: milliseconds(max_age) }),
      ...(max_unproven === undefined ? {} : { maxUnprovenMs: milliseconds(max_unproven) }),
    },
  };
}

function drilled({ drill }: WrittenNode): { readonly drill?: DrillSettings } {
  if (drill === undefined) return {};
  const { folder, check, check_timeout } = drill;
  return {
    drill: {
      ...(folder === undefined ? {} : { folder }),
      ...(check === undefined ? {} : { check }),
      checkMs: milliseconds(check_timeout),
    },
  };
}

function ovnOf({ ovn }: WrittenNode): { readonly ovn?: OvnSettings } {
  if (ovn === undefined) return {};
  const { members, kubernetes, ...rest } = ovn;
  const without = <T extends object>(value: T) =>
    Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as never;
  return {
    ovn: {
      ...rest,
      ...(members === undefined ? {} : { members: members.map(without<(typeof members)[number]>) }),
      ...(kubernetes === undefined ? {} : { kubernetes: without(kubernetes) }),
    },
  };
}

/** What the whole file says for nodes that say nothing of their own. */
interface Common {
  readonly stateDir: string;
  readonly pin?: string | undefined;
  readonly timezone?: string | undefined;
  readonly limits?: WrittenConfig["limits"];
  readonly compression?: Compression | undefined;
}

function nodeOf(name: NodeName, node: WrittenNode, common: Common): NodeSettings {
  const { stateDir, pin, timezone, limits } = common;
  const cardKey = node.card_key ?? pin;
  const compression = node.compression ?? common.compression;
  const { stop_timeout, start_timeout, on_stop_timeout } = node.service;
  return {
    name,
    profile: node.profile,
    roots: Object.entries(node.roots).map(([root, path]) => ({ name: root, path })),
    ...(node.freeze_dir === undefined ? {} : { freezeDir: node.freeze_dir }),
    ...(node.freeze === "auto" ? {} : { freeze: node.freeze }),
    ...(node.snapshot_space === undefined ? {} : { snapshotSpace: bytesOf(node.snapshot_space) }),
    globs: {
      immutable: node.immutable,
      append_only: node.append_only,
      exclude: node.exclude,
      secret: node.secret,
    },
    ...(node.lean ? { lean: true } : {}),
    service: serviceOf(node.service, join(stateDir, name)),
    ...hooksOf(node.service),
    limits: {
      stopMs: milliseconds(stop_timeout),
      startMs: milliseconds(start_timeout),
      onStopTimeout: on_stop_timeout,
    },
    ...(node.health === undefined ? {} : { health: node.health satisfies HealthSettings }),
    ...(node.height === undefined ? {} : { height: heightOf(node.height) }),
    whenDown: node.when_down,
    chains: node.chains,
    validator: node.validator,
    ...(node.own_ip === undefined ? {} : { ownIp: node.own_ip }),
    ...(node.own_ip_url === undefined ? {} : { ownIpUrl: node.own_ip_url }),
    tags: node.tags,
    formerly: node.formerly.map(toNodeName),
    system: systemOf(node),
    stop: stopOf(node, timezone),
    ...(compression === undefined ? {} : { compression }),
    ...paceOf(limits, node.limits),
    ...ruled(node),
    ...watched(node),
    ...drilled(node),
    ...ovnOf(node),
    ...(cardKey === undefined ? {} : { cardKey }),
  };
}

function serviceOf(service: WrittenNode["service"], stateDir: string): ServiceSettings {
  switch (service.manager) {
    case "none":
      return { manager: "none" };
    case "command": {
      const { manager, start, stop, is_running } = service;
      return { manager, start, stop, isRunning: is_running };
    }
    case "systemd":
      return { manager: "systemd", unit: service.unit };
    case "docker":
      return {
        ...{ manager: "docker", container: service.container, program: service.program },
        ...(service.copy_out === undefined ? {} : { copyOut: service.copy_out }),
      };
    case "compose": {
      const { manager, file, services, project, command } = service;
      return { manager, file, services, command, ...(project === undefined ? {} : { project }) };
    }
    case "kubernetes": {
      const { manager, workload, name, namespace, context, kubeconfig, manifest } = service;
      const place = {
        ...{ manager, name, namespace },
        ...(context === undefined ? {} : { context }),
        ...(kubeconfig === undefined ? {} : { kubeconfig }),
      };
      if (workload !== "pod") return { ...place, workload };
      const kept = join(stateDir, "pod.json");
      return { ...place, workload, kept, ...(manifest === undefined ? {} : { manifest }) };
    }
  }
}

/** A hook that is a command alone has the usual limit. */
const HOOK_LIMIT_MS = 30_000;

function hooksOf(service: WrittenNode["service"]): { readonly hooks?: HooksSettings } {
  const written = "hooks" in service ? service.hooks : undefined;
  if (written === undefined) return {};
  const hook = (value: (typeof written)["before_stop"]): HookSettings | undefined =>
    value === undefined
      ? undefined
      : typeof value === "object" && "run" in value
        ? { run: value.run, timeoutMs: milliseconds(value.timeout) }
        : { run: value, timeoutMs: HOOK_LIMIT_MS };
  const all = {
    beforeStop: hook(written.before_stop),
    afterStop: hook(written.after_stop),
    beforeStart: hook(written.before_start),
    afterStart: hook(written.after_start),
  };
  return { hooks: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) };
}

function heightOf({ field, channels, ...source }: NonNullable<WrittenNode["height"]>): HeightSettings {
  return {
    ...source,
    ...(field === undefined ? {} : { field }),
    ...(channels === undefined ? {} : { channels: channelsOf(channels) }),
  };
}

type WrittenChannels = NonNullable<NonNullable<WrittenNode["height"]>["channels"]>;

function channelsOf(written: WrittenChannels): ChannelSettings {
  if ("metric" in written) return written;
  const { follow, ...rest } = written;
  return follow === undefined ? rest : { ...rest, follow };
}

/** The schema has let durations through already. */
function milliseconds(text: string): number {
  const found = parseDuration(text);
  if (found === null) throw new RangeError(`not a duration: ${text}`);
  return found;
}
