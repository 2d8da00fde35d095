/** File that is bundled. */
export const INDEXER_ENTRY = "lambdas/indexer/handler.ts";

/** Counted by the indexer; alarms watch the starred ones. */
export const INDEXER_METRICS = {
  /** Cards taken in, the first time or again. */
  cards: "CardsIndexed",
  /** * Cards that the vault does not bear out, or of a host that is not the one pinned. */
  broken: "CardsBroken",
  /** Events of objects that are no card of a node that is deployed, or no events at all. */
  ignored: "EventsIgnored",
  /** * Nodes whose cards could not be taken in; their events come again, and at last go to the dead letters. */
  failed: "NodesFailed",
} as const;

export const INDEXER_ENV = {
  /** URL of its own queue, by which it goes on with cards of very many packs. */
  queue: "COLDKEEP_CARDS",
} as const;

/** New packs of one card that one call looks at. */
export const PACKS_A_CALL = 20_000;

/** Called by hand: makes a node's index anew from its cards. */
export interface RebuildEvent {
  readonly rebuild: string;
}
