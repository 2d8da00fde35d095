import { defineCommand } from "./define.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";
import { TICKET_KEY_FLAG, type TicketKeyFlags } from "./ticket-key-flag.ts";

export interface ServeFlags extends TicketKeyFlags, IdentityFlags {
  readonly browse?: boolean;
  readonly listen?: { readonly host: string; readonly port: number };
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

const optional = { kind: "parsed", optional: true } as const;

export const command = defineCommand<ServeFlags>({
  brief: "Answer restores over HTTP, for whoever has a ticket; or show snapshots to a browser",
  usage: "[--listen <host:port>] [--tls-cert <path> --tls-key <path>] [--browse]",
  about:
    "The same questions and answers as the presenter in AWS, from any vault. Holds no key that opens a snapshot. Without a\n" +
    "certificate it speaks HTTP and should listen on this machine only, with a proxy before it that speaks TLS: whoever\n" +
    "reads along has the ticket. Runs until it is stopped by a signal.\n\n" +
    "With --browse it does something else: with the key it shows what lies in snapshots to a browser on this machine, folder\n" +
    "by folder, and sends files and, as tar, folders, each piece checked before it is sent. Only on 127.… or ::1, and only\n" +
    "to whoever opens the link that it prints; each link is good once, and the next is printed then. From elsewhere:\n" +
    "ssh -L 8425:127.0.0.1:8425 <this host>. After ten minutes without a look it forgets the key until the next one.",
  examples: [
    ["serve", "on 127.0.0.1:8424, for a proxy before it"],
    ["serve --listen 0.0.0.0:8424 --tls-cert /etc/coldkeep/tls.pem --tls-key /etc/coldkeep/tls.key", "for other hosts"],
    ["serve --browse", "prints a link; opened in a browser, it leads to nodes, snapshots, folders and files"],
  ],
  flags: {
    listen: {
      ...optional,
      parse: hostPort,
      placeholder: "host:port",
      brief: "Where to listen; port 0: any that is free [default = 127.0.0.1:8424; with --browse 8425]",
    },
    tlsCert: { ...optional, parse: String, placeholder: "path", brief: "Certificate and those above it, PEM" },
    tlsKey: { ...optional, parse: String, placeholder: "path", brief: "Its private key, PEM" },
    ...TICKET_KEY_FLAG,
    browse: {
      kind: "boolean",
      optional: true,
      withNegated: false,
      brief: "Show what lies in snapshots to a browser on this machine, in place of answering restores",
    },
    ...IDENTITY_FLAG,
  },
  load: async () => (await import("./serve.ts")).run,
});

function hostPort(text: string): { readonly host: string; readonly port: number } {
  const [, six, four, digits = ""] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = six ?? four;
  const port = Number(digits);
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new SyntaxError("a host and a port are expected, such as 127.0.0.1:8424 or [::1]:8424");
}
