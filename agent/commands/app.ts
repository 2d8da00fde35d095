import { type Application, buildApplication, buildRouteMap, help, text_en, version } from "@stricli/core";
import { VERSION } from "../../vault/names/index.ts";
import { command as backup } from "./backup.command.ts";
import { command as cat } from "./cat.command.ts";
import { command as cloudAgentPolicy } from "./cloud-agent-policy.command.ts";
import { command as cloudDeploy } from "./cloud-deploy.command.ts";
import { command as cloudStatus } from "./cloud-status.command.ts";
import { command as completion } from "./completion.command.ts";
import { command as configCheck } from "./config-check.command.ts";
import { command as configSchema } from "./config-schema.command.ts";
import { command as copy } from "./copy.command.ts";
import { command as cost } from "./cost.command.ts";
import type { CliContext } from "./define.ts";
import { command as diff } from "./diff.command.ts";
import { command as doctor } from "./doctor.command.ts";
import { command as drill } from "./drill.command.ts";
import { command as exportSnapshot } from "./export.command.ts";
import { command as find } from "./find.command.ts";
import { command as forget } from "./forget.command.ts";
import { command as gc } from "./gc.command.ts";
import { command as importBackups } from "./import.command.ts";
import { command as init } from "./init.command.ts";
import { command as install } from "./install.command.ts";
import { command as keyAdd } from "./key-add.command.ts";
import { command as keyGenerate } from "./key-generate.command.ts";
import { command as keyList } from "./key-list.command.ts";
import { command as keyRemove } from "./key-remove.command.ts";
import { command as keyRotate } from "./key-rotate.command.ts";
import { command as keyTest } from "./key-test.command.ts";
import { command as list } from "./list.command.ts";
import { command as ls } from "./ls.command.ts";
import { command as nodeDelete } from "./node-delete.command.ts";
import { command as nodeRename } from "./node-rename.command.ts";
import { command as nodeRetire } from "./node-retire.command.ts";
import { command as ovnKick } from "./ovn-kick.command.ts";
import { command as ovnRecover } from "./ovn-recover.command.ts";
import { command as ovnStatus } from "./ovn-status.command.ts";
import { command as pause } from "./pause.command.ts";
import { command as pin } from "./pin.command.ts";
import { command as profiles } from "./profiles.command.ts";
import { command as publishCreate } from "./publish.command.ts";
import { command as publishList } from "./publish-list.command.ts";
import { command as rebuild } from "./rebuild.command.ts";
import { command as recover } from "./recover.command.ts";
import { command as repair } from "./repair.command.ts";
import { command as restore } from "./restore.command.ts";
import { command as resume } from "./resume.command.ts";
import { command as serve } from "./serve.command.ts";
import { command as shareCreate } from "./share-create.command.ts";
import { command as shareList } from "./share-list.command.ts";
import { command as shareRevoke } from "./share-revoke.command.ts";
import { command as show } from "./show.command.ts";
import { command as status } from "./status.command.ts";
import { command as supportBundle } from "./support-bundle.command.ts";
import { command as tag } from "./tag.command.ts";
import { command as ticketCreate } from "./ticket-create.command.ts";
import { command as ticketList } from "./ticket-list.command.ts";
import { command as ticketRevoke } from "./ticket-revoke.command.ts";
import { command as uninstall } from "./uninstall.command.ts";
import { command as unpin } from "./unpin.command.ts";
import { usageErrors } from "./usage-errors.ts";
import { command as verify } from "./verify.command.ts";
import { command as web } from "./web.command.ts";

const config = buildRouteMap<"check" | "schema", CliContext>({
  routes: { check: configCheck, schema: configSchema },
  docs: { brief: "Look at the configuration" },
});

const cloud = buildRouteMap<string, CliContext>({
  routes: { deploy: cloudDeploy, status: cloudStatus, agentPolicy: cloudAgentPolicy },
  docs: { brief: "What a vault in AWS needs" },
});

const key = buildRouteMap<string, CliContext>({
  routes: { list: keyList, add: keyAdd, remove: keyRemove, rotate: keyRotate, test: keyTest, generate: keyGenerate },
  docs: { brief: "Look at keys, change and make them" },
});

const node = buildRouteMap<string, CliContext>({
  routes: { rename: nodeRename, retire: nodeRetire, delete: nodeDelete },
  docs: { brief: "A node's end, or its new name" },
});

const ovn = buildRouteMap<string, CliContext>({
  routes: { status: ovnStatus, kick: ovnKick, recover: ovnRecover },
  docs: { brief: "OVN's databases: how they stand, and the way back" },
});

const ticket = buildRouteMap<string, CliContext>({
  routes: { create: ticketCreate, list: ticketList, revoke: ticketRevoke },
  docs: { brief: "Permissions to restore without credentials" },
});

const share = buildRouteMap<string, CliContext>({
  routes: { create: shareCreate, list: shareList, revoke: shareRevoke },
  defaultCommand: "create",
  docs: { brief: "One snapshot for somebody without any key" },
});

const publish = buildRouteMap<string, CliContext>({
  routes: { create: publishCreate, list: publishList, revoke: shareRevoke },
  defaultCommand: "create",
  docs: { brief: "One snapshot for everybody" },
});

const root = buildRouteMap<string, CliContext>({
  routes: {
    init,
    doctor,
    install,
    uninstall,
    backup,
    pause,
    resume,
    status,
    web,
    list,
    show,
    ls,
    cat,
    find,
    diff,
    verify,
    restore,
    drill,
    recover,
    forget,
    gc,
    pin,
    unpin,
    tag,
    copy,
    rebuild,
    repair,
    ticket,
    share,
    publish,
    serve,
    key,
    node,
    export: exportSnapshot,
    import: importBackups,
    ovn,
    profiles,
    config,
    completion,
    supportBundle,
    cloud,
    cost,
  },
  docs: {
    brief: "Cold, encrypted backups of blockchain and database nodes",
    fullDescription: [
      "coldkeep stops a node, freezes its files, starts it again, and only then reads, seals and stores them.",
      "",
      "EXAMPLES",
      "  coldkeep init --node icon --profile leveldb --root data=/srv/icon --vault file:///backup/vault \\",
      "      --key-file /etc/coldkeep/icon.key --stop 'systemctl stop icon' \\",
      "      --start 'systemctl start icon' --is-running 'systemctl is-active icon'",
      "  coldkeep backup",
      "  coldkeep restore latest --to /srv/restored",
      "",
      "Exit codes are listed in docs/CLI.md.",
    ].join("\n"),
  },
});

/** The command line; `tell` hears of every error the parser finds. */
export function buildApp(tell: (error: unknown) => void): Application<CliContext> {
  return buildApplication(
    root,
    {
      name: "coldkeep",
      scanner: { caseStyle: "allow-kebab-for-camel", allowArgumentEscapeSequence: true },
      localization: { text: { ...text_en, ...usageErrors(tell) } },
    },
    {
      help: help({
        brief: "Print this help",
        defaultForRouteMap: true,
        formatting: {
          useAliasInUsageLine: false,
          onlyRequiredInUsageLine: true,
          caseStyle: "convert-camel-to-kebab",
        },
      }),
      version: version({
        brief: "Print the version",
        alias: false,
        info: { getCurrentVersion: async () => VERSION },
      }),
    },
  );
}
