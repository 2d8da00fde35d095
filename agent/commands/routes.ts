import type { Command } from "@stricli/core";
import type { CliContext } from "./define.ts";

/** Loads what a command says of itself: its flags and its words, not yet its work. */
export type LoadCommand = () => Promise<{ readonly command: Command<CliContext> }>;

/** Commands under one word. */
export interface CommandGroup {
  readonly brief: string;
  /** What the word alone means. */
  readonly defaultCommand?: string;
  readonly routes: Readonly<Record<string, LoadCommand>>;
}

/** All commands by the words that call them, in the order in which they are listed. */
export const ROUTES: Readonly<Record<string, LoadCommand | CommandGroup>> = {
  init: () => import("./init.command.ts"),
  doctor: () => import("./doctor.command.ts"),
  install: () => import("./install.command.ts"),
  uninstall: () => import("./uninstall.command.ts"),
  backup: () => import("./backup.command.ts"),
  pause: () => import("./pause.command.ts"),
  resume: () => import("./resume.command.ts"),
  status: () => import("./status.command.ts"),
  web: () => import("./web.command.ts"),
  list: () => import("./list.command.ts"),
  show: () => import("./show.command.ts"),
  ls: () => import("./ls.command.ts"),
  cat: () => import("./cat.command.ts"),
  find: () => import("./find.command.ts"),
  diff: () => import("./diff.command.ts"),
  verify: () => import("./verify.command.ts"),
  restore: () => import("./restore.command.ts"),
  drill: () => import("./drill.command.ts"),
  recover: () => import("./recover.command.ts"),
  forget: () => import("./forget.command.ts"),
  gc: () => import("./gc.command.ts"),
  pin: () => import("./pin.command.ts"),
  unpin: () => import("./unpin.command.ts"),
  tag: () => import("./tag.command.ts"),
  copy: () => import("./copy.command.ts"),
  rebuild: () => import("./rebuild.command.ts"),
  repair: () => import("./repair.command.ts"),
  ticket: {
    brief: "Permissions to restore without credentials",
    routes: {
      create: () => import("./ticket-create.command.ts"),
      list: () => import("./ticket-list.command.ts"),
      revoke: () => import("./ticket-revoke.command.ts"),
    },
  },
  share: {
    brief: "One snapshot for somebody without any key",
    defaultCommand: "create",
    routes: {
      create: () => import("./share-create.command.ts"),
      list: () => import("./share-list.command.ts"),
      revoke: () => import("./share-revoke.command.ts"),
    },
  },
  publish: {
    brief: "One snapshot for everybody",
    defaultCommand: "create",
    routes: {
      create: () => import("./publish.command.ts"),
      list: () => import("./publish-list.command.ts"),
      revoke: () => import("./share-revoke.command.ts"),
    },
  },
  serve: () => import("./serve.command.ts"),
  key: {
    brief: "Look at keys, change and make them",
    routes: {
      list: () => import("./key-list.command.ts"),
      add: () => import("./key-add.command.ts"),
      remove: () => import("./key-remove.command.ts"),
      rotate: () => import("./key-rotate.command.ts"),
      test: () => import("./key-test.command.ts"),
      generate: () => import("./key-generate.command.ts"),
    },
  },
  node: {
    brief: "A node's end, or its new name",
    routes: {
      rename: () => import("./node-rename.command.ts"),
      retire: () => import("./node-retire.command.ts"),
      delete: () => import("./node-delete.command.ts"),
    },
  },
  export: () => import("./export.command.ts"),
  import: () => import("./import.command.ts"),
  ovn: {
    brief: "OVN's databases: how they stand, and the way back",
    routes: {
      status: () => import("./ovn-status.command.ts"),
      kick: () => import("./ovn-kick.command.ts"),
      recover: () => import("./ovn-recover.command.ts"),
    },
  },
  profiles: () => import("./profiles.command.ts"),
  config: {
    brief: "Look at the configuration",
    routes: {
      check: () => import("./config-check.command.ts"),
      schema: () => import("./config-schema.command.ts"),
    },
  },
  completion: () => import("./completion.command.ts"),
  supportBundle: () => import("./support-bundle.command.ts"),
  cloud: {
    brief: "What a vault in AWS needs",
    routes: {
      deploy: () => import("./cloud-deploy.command.ts"),
      status: () => import("./cloud-status.command.ts"),
      agentPolicy: () => import("./cloud-agent-policy.command.ts"),
    },
  },
  cost: () => import("./cost.command.ts"),
};
