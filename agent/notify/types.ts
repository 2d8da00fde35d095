/** What people are told of. */
export type NoticeEvent = "failure" | "recovery" | "alarm" | "all-clear";

/** One thing that people are told. Holds no secret: its words are those that the command line prints. */
export interface Notice {
  readonly event: NoticeEvent;
  /** What was done: `backup`, `drill`, `recover`, `status`. */
  readonly job: string;
  readonly node: string;
  readonly host: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The kind of the error, as docs/CLI.md lists them; of an alarm its kind. */
  readonly kind?: string;
  /** One line that says it all. */
  readonly title: string;
  /** What failed and why, what to do now. */
  readonly words: string;
}

/** Where people are reached. Each takes all events, or those of `on`. */
export type ChannelSettings = (
  | { readonly webhook: string; readonly form: WebhookForm }
  | { readonly webhookFile: string; readonly form: WebhookForm }
  | { readonly email: readonly string[]; readonly from?: string; readonly sendmail: string }
  | { readonly sns: string }
  | { readonly command: string | readonly string[] }
) & { readonly on?: readonly NoticeEvent[] };

export type WebhookForm = "json" | "slack" | "teams";

/** What a channel needs of the world. */
export interface DeliveryContext {
  readonly signal: AbortSignal;
  readonly wait: (milliseconds: number) => Promise<void>;
}
