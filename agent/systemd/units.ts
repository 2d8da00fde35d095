import { polkitRules } from "./polkit.ts";
import type { Credential, InstallPlan, PlannedFile } from "./types.ts";
import { quotePath, quoteWord } from "./words.ts";

/** The user that the services run as. */
export const USER = "coldkeep";
export const UNITS = "/etc/systemd/system";
/** Where systemd looks for sealed credentials by name (systemd.exec(5)). */
const CREDSTORE = "/etc/credstore.encrypted";
const STATE = "/var/lib/coldkeep";

/** The first line of every file that `install` may replace and `uninstall` remove. */
export const MARK = "Written by `coldkeep install`; put changes into a drop-in, `systemctl edit` makes one";
const HEAD = `# ${MARK}\n`;

export const sealedCredential = ({ name }: Pick<Credential, "name">) => `${CREDSTORE}/${name}`;
export const timerOf = (node: string) => `coldkeep@${node}.timer`;
export const groupTimerOf = (group: string) => `coldkeep-group@${group}.timer`;
export const drillTimerOf = (node: string) => `coldkeep-drill@${node}.timer`;
export const WATCH_TIMER = "coldkeep-watch.timer";
export const RECOVER = "coldkeep-recover.service";

/** Every file that `coldkeep install` writes, but for the sealed key and the configuration. */
export function plannedFiles(plan: InstallPlan): PlannedFile[] {
  const file = (path: string, content: string): PlannedFile => ({ path, mode: 0o644, content });
  return [
    file("/etc/sysusers.d/coldkeep.conf", `${HEAD}u ${USER} - "coldkeep backups" ${STATE}\n`),
    file(`${UNITS}/coldkeep@.service`, backupService(plan)),
    file(`${UNITS}/coldkeep@.timer`, timer("backup", plan.schedule, plan.delay)),
    ...(plan.groups.length === 0
      ? []
      : [
          file(`${UNITS}/coldkeep-group@.service`, backupService(plan, "--group")),
          file(`${UNITS}/coldkeep-group@.timer`, timer("backup", plan.schedule, plan.delay).replace("of %i", GROUP)),
        ]),
    file(`${UNITS}/coldkeep-drill@.service`, drillService(plan)),
    file(`${UNITS}/coldkeep-drill@.timer`, timer("drill", plan.drillSchedule, plan.delay)),
    ...(plan.watches
      ? [
          file(`${UNITS}/coldkeep-watch.service`, watchService(plan)),
          file(`${UNITS}/${WATCH_TIMER}`, timer("look at how backups stand", "hourly", "10min").replace(" of %i", "")),
        ]
      : []),
    file(`${UNITS}/${RECOVER}`, recoverService(plan)),
    file(`${UNITS}/coldkeep-failed@.service`, failedService()),
    ...(plan.drives.length === 0
      ? []
      : [file("/etc/polkit-1/rules.d/50-coldkeep.rules", polkitRules(USER, plan.drives, MARK))]),
  ];
}

/** Every timer of the plan, as systemd names it. */
export function timersOf({ nodes, groups, drilled, watches }: InstallPlan): string[] {
  return [
    ...nodes.map(timerOf),
    ...groups.map(groupTimerOf),
    ...drilled.map(drillTimerOf),
    ...(watches ? [WATCH_TIMER] : []),
  ];
}

const GROUP = "of the group %i, as one set";

function backupService(plan: InstallPlan, kind: "--node" | "--group" = "--node"): string {
  return `${HEAD}[Unit]
Description=coldkeep backup ${kind === "--node" ? "of %i" : GROUP}
Documentation=man:coldkeep(1)
Wants=network-online.target
After=network-online.target ${RECOVER}
${mounts(plan)}OnFailure=coldkeep-failed@%n.service

[Service]
Type=oneshot
ExecStart=${command(plan, "backup", kind, "%i")}
${keyLine(plan.credential)}# No backup was to be made now: a pause, a window, a leader, the group's turn; or the node is catching up.
SuccessExitStatus=18 19
# A run that is told to stop brings the node back first.
TimeoutStopSec=15min
${leftAlone(plan)}# By weights and no Nice=, which a node that is started by a script would keep.
CPUWeight=50
IOWeight=50

${sandbox(plan)}`;
}

function drillService(plan: InstallPlan): string {
  return `${HEAD}[Unit]
Description=coldkeep drill of %i: its latest snapshot is restored aside, and proven
Documentation=man:coldkeep(1)
Wants=network-online.target
After=network-online.target coldkeep@%i.service
${mounts(plan)}OnFailure=coldkeep-failed@%n.service

[Service]
Type=oneshot
ExecStart=${command(plan, "drill", "--node", "%i")}
${keyLine(plan.credential)}Nice=15
IOSchedulingClass=idle
CPUWeight=20
IOWeight=20

${sandbox(plan)}`;
}

function watchService(plan: InstallPlan): string {
  return `${HEAD}[Unit]
Description=coldkeep: people are told where backups are late, damaged or unproven
Documentation=man:coldkeep(1)
Wants=network-online.target
After=network-online.target
${mounts(plan)}OnFailure=coldkeep-failed@%n.service

[Service]
Type=oneshot
ExecStart=${command(plan, "status", "--notify")}
# What is amiss with backups is told to people; of the look itself it is no failure.
SuccessExitStatus=8 9 20 21
TimeoutStartSec=10min
Nice=15

${sandbox(plan)}`;
}

function recoverService(plan: InstallPlan): string {
  return `${HEAD}[Unit]
Description=coldkeep: nodes that a killed backup left down are brought back
Documentation=man:coldkeep(1)
After=local-fs.target dbus.socket
${mounts(plan)}OnFailure=coldkeep-failed@%n.service

[Service]
Type=oneshot
ExecStart=${command(plan, "recover")}
TimeoutStopSec=15min
${leftAlone(plan)}
${sandbox({ ...plan, local: true })}
[Install]
WantedBy=multi-user.target
`;
}

function failedService(): string {
  return `${HEAD}[Unit]
Description=coldkeep: tells that %i failed

[Service]
Type=oneshot
# <1> is the priority "alert" (sd-daemon(3)).
ExecStart=/bin/echo "<1>coldkeep: %i failed; journalctl -u %i tells why"
DynamicUser=yes
CapabilityBoundingSet=
PrivateNetwork=yes
PrivateUsers=yes
ProtectHome=yes
MemoryDenyWriteExecute=yes
IPAddressDeny=any
RestrictAddressFamilies=AF_UNIX
${CONFINED}`;
}

function timer(what: string, schedule: string, delay: string): string {
  return `${HEAD}[Unit]
Description=coldkeep ${what} of %i

[Timer]
OnCalendar=${schedule}
# Hosts with one schedule do not all begin at once, and this host always with the same delay.
RandomizedDelaySec=${delay}
FixedRandomDelay=yes
# What was missed while the machine was off is made up for.
Persistent=true
AccuracySec=1min

[Install]
WantedBy=timers.target
`;
}

/** What a node's start command left running is not ended with the run. */
function leftAlone({ startsNodes }: InstallPlan): string {
  return startsNodes ? "# A node that a script starts may be of this service, and goes on.\nKillMode=process\n" : "";
}

/** `%i` is systemd's own word: all others are quoted. */
function command({ exec, config }: InstallPlan, ...words: readonly string[]): string {
  const own = words.map((word) => (word === "%i" ? word : quoteWord(word)));
  return [...exec.map(quoteWord), ...own, "--config", quoteWord(config)].join(" ");
}

function mounts({ mounts }: InstallPlan): string {
  return mounts.length === 0 ? "" : `RequiresMountsFor=${mounts.map(quotePath).join(" ")}\n`;
}

function keyLine(credential: Credential | null): string {
  if (credential === null) return "";
  const { name, from, sealed } = credential;
  if (sealed) return `LoadCredentialEncrypted=${name}:${quotePath(sealedCredential(credential))}\n`;
  return `LoadCredential=${name}:${quotePath(from)}\n`;
}

/**
 * What the service may do. Beside what every service can be kept from, it is given three powers, each by name:
 * CAP_DAC_READ_SEARCH to read the node's files and the configuration, CAP_FOWNER to hard-link files of another user
 * (fs.protected_hardlinks), CAP_SYS_PTRACE to see in /proc who holds them open. It may change nothing that belongs to
 * anybody else.
 */
function sandbox({ stateDir, writable, local, home }: InstallPlan): string {
  const own = stateDir === STATE ? [] : [stateDir];
  const paths = [...own, ...writable].map((path) => `ReadWritePaths=-${quotePath(path)}\n`).join("");
  return `User=${USER}
Group=${USER}
AmbientCapabilities=CAP_DAC_READ_SEARCH CAP_FOWNER CAP_SYS_PTRACE
CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_FOWNER CAP_SYS_PTRACE
${stateDir === STATE ? "StateDirectory=coldkeep\nStateDirectoryMode=0700\n" : ""}# Hard links need the frozen tree on the very mount of the root, so the folder that holds both is opened.
${paths}ProtectHome=${home ? "read-only" : "yes"}
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
${local ? "IPAddressDeny=any\nIPAddressAllow=localhost\n" : ""}${CONFINED}`;
}

/** What no service of ours needs. */
const CONFINED = `NoNewPrivileges=yes
# A key may be in memory: it goes into no core dump.
LimitCORE=0
UMask=0077
ProtectSystem=strict
PrivateTmp=yes
PrivateMounts=yes
PrivateDevices=yes
DevicePolicy=closed
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
KeyringMode=private
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
`;
