/** What must never come out of a parser, whatever went in. */
export class BadOutcome extends Error {}
