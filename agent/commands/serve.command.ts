import { defineCommand } from "./define.ts";
import { TICKET_KEY_FLAG, type TicketKeyFlags } from "./ticket-key-flag.ts";

export interface ServeFlags extends TicketKeyFlags {
  readonly listen?: { readonly host: string; readonly port: number };
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

const optional = { kind: "parsed", optional: true } as const;

export const command = defineCommand<ServeFlags>({
  brief: "Answer restores over HTTP, for whoever has a ticket",
  usage: "[--listen <host:port>] [--tls-cert <path> --tls-key <path>]",
  about:
    "The same questions and answers as the presenter in AWS, from any vault. Holds no key that opens a snapshot. Without a\n" +
    "certificate it speaks HTTP and should listen on this machine only, with a proxy before it that speaks TLS: whoever\n" +
    "reads along has the ticket. Runs until it is stopped by a signal.",
  examples: [
    ["serve", "on 127.0.0.1:8424, for a proxy before it"],
    ["serve --listen 0.0.0.0:8424 --tls-cert /etc/coldkeep/tls.pem --tls-key /etc/coldkeep/tls.key", "for other hosts"],
  ],
  flags: {
    listen: {
      ...optional,
      parse: hostPort,
      placeholder: "host:port",
      brief: "Where to listen; port 0: any that is free [default = 127.0.0.1:8424]",
    },
    tlsCert: { ...optional, parse: String, placeholder: "path", brief: "Certificate and those above it, PEM" },
    tlsKey: { ...optional, parse: String, placeholder: "path", brief: "Its private key, PEM" },
    ...TICKET_KEY_FLAG,
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
