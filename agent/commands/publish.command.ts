import { defineCommand } from "./define.ts";
import { ID_PARAMETER } from "./id-parameter.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";
import { ISSUE_FLAGS, type IssueFlags } from "./issue-flags.ts";

export interface PublishFlags extends IssueFlags, IdentityFlags {
  readonly from: string;
  readonly url: string;
  readonly to: string;
}

const needed = { kind: "parsed", parse: String } as const;

export const command = defineCommand<PublishFlags, [string]>({
  brief: "Publish one snapshot: a page and a line by which anybody restores it",
  usage: "<id> --expires <time> --from <url> --url <url> --to <folder> [--agent <path>] [--node <name>]",
  about:
    "Like a share, and everybody's: a folder of static files for any web server, with a page that says what it is and the\n" +
    "line that restores it. Whoever has ever seen it can read this snapshot; it prints what that gives away. Secret files are\n" +
    "left out. `share list` shows it; revoking it ends downloads.",
  examples: [
    [
      "publish latest --expires 30d --from https://restore.example --url https://snapshots.example/icon --to public",
      "the folder public is then served as https://snapshots.example/icon",
    ],
  ],
  flags: {
    ...ISSUE_FLAGS,
    from: { ...needed, placeholder: "url", brief: "Where the presenter answers: https://…" },
    url: { ...needed, parse: pageUrl, placeholder: "url", brief: "Where the folder will be served: https://…" },
    to: { ...needed, placeholder: "folder", brief: "A new folder for the page and what belongs to it" },
    ...IDENTITY_FLAG,
  },
  positional: ID_PARAMETER,
  load: async () => (await import("./publish.ts")).run,
});

function pageUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === "https:" && url.search === "" && url.hash === "" && url.username === "") {
    return url.href.replace(/\/+$/, "");
  }
  throw new SyntaxError("https://… is expected, without a query");
}
