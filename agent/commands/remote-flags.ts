import type { FlagParametersForType } from "@stricli/core";

export interface RemoteFlags {
  readonly from?: string;
  readonly ticketFile?: string;
  readonly shareFile?: string;
}

const optional = { kind: "parsed", optional: true } as const;

/** The flags of whatever can be done through a presenter. */
export const REMOTE_FLAGS: FlagParametersForType<RemoteFlags> = {
  from: {
    ...optional,
    parse: String,
    placeholder: "url",
    brief: "Through a presenter rather than from the vault: https://…; needs no configuration with --node and --to",
  },
  ticketFile: {
    ...optional,
    parse: String,
    placeholder: "path",
    brief: "File that holds the ticket for it; - reads standard input [default: this host's AWS credentials]",
  },
  shareFile: {
    ...optional,
    parse: String,
    placeholder: "path",
    brief: "File that holds a share token in place of ticket and key; - reads standard input",
  },
};
