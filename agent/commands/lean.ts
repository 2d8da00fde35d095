/** On the card of a snapshot that leaves out what the system can make anew. */
export const LEAN = "lean";
